#include "transfer_syntax.hpp"

namespace medvec::decode::dicom {
namespace {

struct Row {
  const char* uid;  // after "1.2.840.10008.1.2"
  const char* name;
  Codec codec;
};

constexpr Row kEncapsulated[] = {
    {".1.98", "Encapsulated Uncompressed", Codec::native},
    {".4.50", "JPEG Baseline", Codec::jpeg},
    {".4.51", "JPEG Extended", Codec::jpeg},
    {".4.53", "JPEG Spectral Selection", Codec::jpeg},
    {".4.55", "JPEG Full Progression", Codec::jpeg},
    {".4.57", "JPEG Lossless", Codec::jpeg_lossless},
    {".4.70", "JPEG Lossless SV1", Codec::jpeg_lossless},
    {".4.80", "JPEG-LS Lossless", Codec::jpeg_ls},
    {".4.81", "JPEG-LS Near-Lossless", Codec::jpeg_ls},
    {".4.90", "JPEG 2000 Lossless", Codec::jpeg2000},
    {".4.91", "JPEG 2000", Codec::jpeg2000},
    {".4.92", "JPEG 2000 Part 2 Lossless", Codec::none},
    {".4.93", "JPEG 2000 Part 2", Codec::none},
    {".4.94", "JPIP Referenced", Codec::none},
    {".4.95", "JPIP Referenced Deflate", Codec::none},
    {".4.100", "MPEG2 Main Profile", Codec::none},
    {".4.101", "MPEG2 High Profile", Codec::none},
    {".4.102", "MPEG-4 AVC/H.264", Codec::none},
    {".4.103", "MPEG-4 AVC/H.264 BD-compatible", Codec::none},
    {".4.104", "MPEG-4 AVC/H.264 for 2D Video", Codec::none},
    {".4.105", "MPEG-4 AVC/H.264 for 3D Video", Codec::none},
    {".4.106", "MPEG-4 AVC/H.264 Stereo", Codec::none},
    {".4.107", "HEVC/H.265 Main Profile", Codec::none},
    {".4.108", "HEVC/H.265 Main 10 Profile", Codec::none},
    {".4.201", "High-Throughput JPEG 2000 Lossless", Codec::none},
    {".4.202", "High-Throughput JPEG 2000 Lossless RPCL", Codec::none},
    {".4.203", "High-Throughput JPEG 2000", Codec::none},
    {".5", "RLE Lossless", Codec::rle},
};

}  // namespace

TransferSyntax LookUpTransferSyntax(std::string_view uid) {
  constexpr std::string_view kRoot = "1.2.840.10008.1.2";
  if (uid.starts_with(kRoot)) {
    const std::string_view rest = uid.substr(kRoot.size());
    if (rest.empty()) {
      return {std::string(uid), "Implicit VR Little Endian", false, false, false, false, Codec::native};
    }
    if (rest == ".1") {
      return {std::string(uid), "Explicit VR Little Endian", true, false, false, false, Codec::native};
    }
    if (rest == ".1.99") {
      return {std::string(uid), "Deflated Explicit VR Little Endian", true, false, true, false, Codec::native};
    }
    if (rest == ".2") {
      return {std::string(uid), "Explicit VR Big Endian", true, true, false, false, Codec::native};
    }
    if (rest == ".4.95") {
      return {std::string(uid), "JPIP Referenced Deflate", true, false, true, false, Codec::none};
    }
    for (const Row& row : kEncapsulated) {
      if (rest == row.uid) {
        return {std::string(uid), row.name, true, false, false, true, row.codec};
      }
    }
  }
  return {std::string(uid), "unknown", true, false, false, true, Codec::none};
}

}  // namespace medvec::decode::dicom
