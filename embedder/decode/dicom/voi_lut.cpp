#include "voi_lut.hpp"

#include <algorithm>
#include <cmath>

namespace medvec::decode::dicom {

double Lut::operator()(double input) const {
  if (std::isnan(input)) {
    return entries.front();
  }
  const double index = std::clamp(std::floor(input + 0.5) - first, 0.0, static_cast<double>(entries.size() - 1));
  return entries[static_cast<size_t>(index)];
}

double ApplyWindow(const VoiWindow& window, double x) {
  const double c = window.center;
  const double w = window.width;
  switch (window.function) {
    case WindowFunction::linear:
      if (x <= c - 0.5 - (w - 1) / 2) {
        return 0;
      }
      if (x > c - 0.5 + (w - 1) / 2) {
        return 1;
      }
      return (x - (c - 0.5)) / (w - 1) + 0.5;
    case WindowFunction::linear_exact:
      return std::clamp((x - c) / w + 0.5, 0.0, 1.0);
    case WindowFunction::sigmoid:
      return 1 / (1 + std::exp(-4 * (x - c) / w));
  }
  return 0;
}

double GreyTransform::Modality(double stored) const {
  return modality_lut ? (*modality_lut)(stored) : stored * slope + intercept;
}

double GreyTransform::Display(double stored) const {
  const double value = Modality(stored);
  double shown = 0;
  if (voi_lut) {
    shown = std::min((*voi_lut)(value) / voi_lut->maximum, 1.0);
  } else if (window) {
    shown = ApplyWindow(*window, value);
  } else if (high > low) {
    shown = std::clamp((value - low) / (high - low), 0.0, 1.0);
  }
  if (!std::isfinite(shown)) {  // slopes and windows near the end of double's range
    shown = 0;
  }
  return inverted ? 1 - shown : shown;
}

}  // namespace medvec::decode::dicom
