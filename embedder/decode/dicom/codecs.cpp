#include "codecs.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace medvec::decode::dicom {
namespace {

[[noreturn]] void Corrupt(const std::string& detail) {
  throw RequestError(ErrorCode::corrupt_image, "DICOM pixel data are corrupt", detail);
}

// What stands in a JPEG or JPEG-LS stream before its first scan.
struct JpegHeader {
  int precision = 0;
  int width = 0;
  int height = 0;
  int components = 0;
  bool jfif = false;
  int adobe_transform = -1;
  bool named_rgb = false;  // component identifiers R, G, B
};

JpegHeader ReadJpegHeader(Bytes stream) {
  JpegHeader header;
  size_t at = 2;
  while (at + 4 <= stream.size()) {
    if (stream[at] != 0xff) {
      Corrupt("A JPEG marker is missing.");
    }
    const uint8_t marker = stream[at + 1];
    if (marker == 0xff) {  // fill byte
      ++at;
      continue;
    }
    const size_t length = stream[at + 2] << 8 | stream[at + 3];
    if (length < 2 || at + 2 + length > stream.size()) {
      Corrupt("A JPEG marker segment is cut off.");
    }
    const Bytes body = stream.subspan(at + 4, length - 2);
    const bool frame_header =
        (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) || marker == 0xf7;
    if (frame_header && body.size() >= 6) {
      header.precision = body[0];
      header.height = body[1] << 8 | body[2];
      header.width = body[3] << 8 | body[4];
      header.components = body[5];
      header.named_rgb =
          header.components == 3 && body.size() >= 15 && body[6] == 'R' && body[9] == 'G' && body[12] == 'B';
    } else if (marker == 0xe0 && body.size() >= 5 && std::memcmp(body.data(), "JFIF", 5) == 0) {
      header.jfif = true;
    } else if (marker == 0xee && body.size() >= 12 && std::memcmp(body.data(), "Adobe", 5) == 0) {
      header.adobe_transform = body[11];
    } else if (marker == 0xda) {
      break;
    }
    at += 2 + length;
  }
  if (header.precision == 0) {
    Corrupt("The JPEG frame header is missing.");
  }
  return header;
}

ColourModel ColourOfLossyJpeg(const JpegHeader& header, ColourModel declared) {
  if (header.components != 3) {
    return declared;
  }
  if (header.adobe_transform >= 0) {
    return header.adobe_transform == 0 ? ColourModel::rgb : ColourModel::ybr_full;
  }
  if (header.jfif) {
    return ColourModel::ybr_full;
  }
  return header.named_rgb ? ColourModel::rgb : declared == ColourModel::ybr_partial ? ColourModel::ybr_full : declared;
}

void Put(DcmDataset& dataset, const DcmTagKey& tag, long value) {
  dataset.putAndInsertUint16(tag, static_cast<Uint16>(value));
}

}  // namespace

ColourModel ColourOf(const PixelFormat& format) {
  const std::string& name = format.photometric;
  if (format.samples == 1) {
    return name == "PALETTE COLOR" ? ColourModel::palette : ColourModel::grey;
  }
  if (name == "HSV" || name == "ARGB" || name == "CMYK") {
    throw RequestError(ErrorCode::unsupported, "DICOM colour space " + name + " is not supported",
                       "It was retired from the standard.");
  }
  if (name == "YBR_FULL" || name == "YBR_FULL_422") {
    return ColourModel::ybr_full;
  }
  if (name == "YBR_PARTIAL_422" || name == "YBR_PARTIAL_420") {
    return ColourModel::ybr_partial;
  }
  return ColourModel::rgb;  // YBR_ICT and YBR_RCT too: the JPEG 2000 decoder undoes them
}

StoredFrame DecodeWithDcmtk(const PixelFormat& format, const TransferSyntax& syntax, std::vector<uint8_t> stream) {
  StoredFrame out;
  out.bits_allocated = format.bits_allocated;
  out.bits_stored = format.bits_stored;
  out.colour = ColourOf(format);
  const JpegHeader header = ReadJpegHeader(stream);
  if (header.width != format.width || header.height != format.height || header.components != format.samples) {
    Corrupt("The compressed stream is " + std::to_string(header.width) + " x " + std::to_string(header.height) + " x " +
            std::to_string(header.components) + ", the data set says " + std::to_string(format.width) + " x " +
            std::to_string(format.height) + " x " + std::to_string(format.samples) + ".");
  }
  if (header.precision < 2 || header.precision > 16) {
    Corrupt("The JPEG stream's precision is " + std::to_string(header.precision) + ".");
  }
  out.bits_allocated = header.precision > 8 ? 16 : 8;
  out.bits_stored = std::min(out.bits_stored, 16);
  if (format.samples > 1) {
    out.bits_stored = std::min(out.bits_stored, header.precision);  // of grey, Bits Stored says where the sign is
  }
  if (syntax.codec == Codec::jpeg) {
    out.colour = ColourOfLossyJpeg(header, out.colour);
  }

  // A data set of this one frame, so that DCMTK neither copies nor searches the others.
  DcmDataset dataset;
  Put(dataset, DCM_SamplesPerPixel, format.samples);
  dataset.putAndInsertString(DCM_PhotometricInterpretation, format.samples == 1              ? "MONOCHROME2"
                                                            : out.colour == ColourModel::rgb ? "RGB"
                                                                                             : "YBR_FULL");
  if (format.samples > 1) {
    Put(dataset, DCM_PlanarConfiguration, 0);
  }
  Put(dataset, DCM_Rows, format.height);
  Put(dataset, DCM_Columns, format.width);
  Put(dataset, DCM_BitsAllocated, out.bits_allocated);
  const int bits_stored = std::min(out.bits_stored, out.bits_allocated);
  Put(dataset, DCM_BitsStored, bits_stored);
  Put(dataset, DCM_HighBit, bits_stored - 1);
  Put(dataset, DCM_PixelRepresentation, 0);

  if (stream.size() % 2 != 0) {
    stream.push_back(0);
  }
  auto sequence = std::make_unique<DcmPixelSequence>(DCM_PixelSequenceTag);
  auto table = std::make_unique<DcmPixelItem>(DCM_PixelItemTag);
  auto item = std::make_unique<DcmPixelItem>(DCM_PixelItemTag);
  if (item->putUint8Array(stream.data(), static_cast<unsigned long>(stream.size())).bad()) {
    throw std::bad_alloc();
  }
  sequence->insert(table.release());
  sequence->insert(item.release());
  std::vector<uint8_t>().swap(stream);
  auto pixels = std::make_unique<DcmPixelData>(DCM_PixelData);
  pixels->putOriginalRepresentation(DcmXfer(syntax.uid.c_str()).getXfer(), nullptr, sequence.release());
  DcmPixelData* data = pixels.get();
  if (dataset.insert(pixels.get()).bad()) {
    throw RequestError(ErrorCode::internal, "could not hand a frame to DCMTK");
  }
  pixels.release();

  const size_t size = static_cast<size_t>(format.width) * format.height * format.samples * (out.bits_allocated / 8);
  if (size > UINT32_MAX - 1) {
    throw RequestError(ErrorCode::too_large, "frame of a DICOM image is too large");
  }
  out.bytes.resize(size + size % 2);
  Uint32 fragment = 1;
  OFString colour_model;
  const OFCondition status = data->getUncompressedFrame(&dataset, 0, fragment, out.bytes.data(),
                                                        static_cast<Uint32>(out.bytes.size()), colour_model);
  if (status == EC_MemoryExhausted) {
    throw std::bad_alloc();
  }
  if (status.bad()) {
    Corrupt(std::string("DCMTK says: ") + status.text() + ".");
  }
  return out;
}

}  // namespace medvec::decode::dicom
