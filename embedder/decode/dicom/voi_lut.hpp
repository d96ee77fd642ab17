// From a stored value of a grey image to what is shown, 0..1 (PS3.3 C.11.1 and C.11.2): pure arithmetic.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace medvec::decode::dicom {

// A look-up table with its descriptor (PS3.3 C.11.1.1.1): inputs before the first entry give the first, behind the last
// the last.
struct Lut {
  int32_t first = 0;              // input value of entries[0]
  std::vector<uint16_t> entries;  // at least one
  double maximum = 65535;         // of the output's range 0..maximum, 2^bits - 1

  double operator()(double input) const;
};

enum class WindowFunction { linear, linear_exact, sigmoid };  // PS3.3 C.11.2.1.2 and .3

struct VoiWindow {
  double center;
  double width;  // >= 1 for linear, > 0 for the others
  WindowFunction function;
};

// The window's output for y_min = 0 and y_max = 1.
double ApplyWindow(const VoiWindow& window, double x);

// Everything between stored value and 0..1. At most one of voi_lut, window, range is used, in this order.
struct GreyTransform {
  std::optional<Lut> modality_lut;
  double slope = 1;  // where there is no modality LUT
  double intercept = 0;
  std::optional<Lut> voi_lut;
  std::optional<VoiWindow> window;
  double low = 0;  // the range of modality values shown where neither is there
  double high = 0;
  bool inverted = false;

  double Modality(double stored) const;
  double Display(double stored) const;  // 0..1
};

}  // namespace medvec::decode::dicom
