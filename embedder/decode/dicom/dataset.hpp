// A DICOM data set without its pixel data, as DCMTK parsed it, with the look-ups that decoding needs.
#pragma once

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dctagkey.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "structure.hpp"

namespace medvec::decode::dicom {

class Dataset {
 public:
  // Throws corrupt_image where DCMTK does not parse it.
  explicit Dataset(const Structure& structure);

  DcmDataset& dcmtk() { return *dataset_; }

  // Values of the top level; nothing where absent, empty or of another kind. Strings have their padding trimmed.
  std::optional<long> Integer(const DcmTagKey& tag);
  std::optional<double> Number(const DcmTagKey& tag, unsigned long index = 0);
  std::string String(const DcmTagKey& tag);

  // The item that holds `tag` for a frame: of an enhanced multi-frame object the per-frame, then the shared functional
  // group's `macro` sequence (PS3.3 C.7.6.16), else the data set itself. Null where none has it.
  DcmItem* ItemWith(const DcmTagKey& tag, const DcmTagKey& macro, long frame);

 private:
  std::unique_ptr<DcmDataset> dataset_;
};

// The same of any item.
std::optional<double> NumberOf(DcmItem& item, const DcmTagKey& tag, unsigned long index = 0);
std::string StringOf(DcmItem& item, const DcmTagKey& tag);

// An element's values as 16-bit words: US, SS, OW, and OB (two bytes a word). Empty where there are none.
std::vector<uint16_t> WordsOf(DcmItem& item, const DcmTagKey& tag);

}  // namespace medvec::decode::dicom
