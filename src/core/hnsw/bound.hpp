// Bounds of exact distances, from distances to stored vectors.
//
// The executor puts rows in exact order by recomputing each distance, and may hand out a row once no later row can be
// nearer: it needs a bound that holds for certain. |v - stored v| is measured when a vector is stored (the block's
// `error`); what is added here is what float32 loses: in rotating and centring query and vector, in the sum of the
// kernel that computed the rank, and in the sum of the operator's kernel.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/hnsw/kernels.hpp"

namespace medvec::hnsw {

class Bound {
 public:
  Bound() = default;
  // `query_length`: |q| as the operator sees it, but 1 for cosine.
  Bound(const Space& space, double query_length)
      : metric_(space.geometry.metric), query_length_(query_length), rotation_error_(4 * kUnit) {
    if (space.geometry.codec == VectorCodec::kSparse) {  // sums are double, and nothing was rotated
      dim_ = 2 * kMaxSparseElements;
      sum_error_ = 8 * kUnit;
    } else {
      dim_ = space.geometry.dim;
      sum_error_ = 2 * (dim_ / 16 + 16) * kUnit;
      if (space.geometry.rotated() && space.rotation != nullptr) rotation_error_ += space.rotation->RelativeError();
    }
    underflow_ = 2 * dim_ * 0x1p-149;
    double square = 0;
    for (size_t i = 0; space.mean != nullptr && i < space.geometry.dim; ++i)
      square += static_cast<double>(space.mean[i]) * space.mean[i];
    centring_error_ = 4 * kUnit * std::sqrt(square);
  }

  // No vector of a node with this rank and error is nearer than this, in the operator's units: L2 distance, negative
  // inner product, 1 - cosine, L1, Hamming or Jaccard distance. `length`: of the stored vector, for the inner product
  // alone.
  double Lower(double rank, double error, double length) const {
    return Or(Value(rank, error, length, -1),
              metric_ == Metric::kInnerProduct ? -std::numeric_limits<double>::infinity() : 0);
  }
  // None is farther.
  double Upper(double rank, double error, double length) const {
    return Or(Value(rank, error, length, 1), std::numeric_limits<double>::infinity());
  }

  bool needs_length() const { return metric_ == Metric::kInnerProduct; }

 private:
  static constexpr double kUnit = 0x1p-24;

  // Beyond float32 nothing is known: there the operator's sum is infinite.
  double Or(double value, double unknown) const {
    const double sum = metric_ == Metric::kL2 ? value * value : std::abs(value);
    return sum <= std::numeric_limits<float>::max() ? value : unknown;
  }

  // sign -1: at least; 1: at most.
  double Value(double rank, double error, double length, double sign) const {
    switch (metric_) {
      case Metric::kHamming:
        return rank;
      case Metric::kJaccard:
        return std::max(0.0, rank + sign * 4 * kUnit);
      case Metric::kL2:
        return Shift(std::max(0.0, Distance(rank, error, sign) * (1 + sign * sum_error_)), sign);
      case Metric::kCosine: {
        const double distance = std::max(0.0, Distance(rank, error, sign));
        return std::max(0.0, distance * distance / 2 + sign * 2 * sum_error_);
      }
      case Metric::kInnerProduct:
        return rank + sign * (query_length_ * (error + (2 * rotation_error_ + 2 * sum_error_) * (length + error)) +
                              underflow_ * (1 + query_length_ + length));
      default:
        return std::max(0.0, rank * (1 + sign * 2 * sum_error_) +
                                 sign * std::sqrt(dim_) *
                                     (error + centring_error_ + 4 * kUnit * (2 * query_length_ + rank + error)));
    }
  }

  // Of q and v by that of their stored forms; |v| is at most |q| and their distance.
  double Distance(double rank, double error, double sign) const {
    const double stored = Shift(std::sqrt(std::max(rank, 0.0)), sign);
    return stored * (1 + sign * sum_error_) +
           sign * (error + centring_error_ + rotation_error_ * (2 * query_length_ + stored + error));
  }

  // The root of a sum of squares that has lost or gained what underflow may.
  double Shift(double root, double sign) const { return std::sqrt(std::max(0.0, root * root + sign * underflow_)); }

  Metric metric_;
  double dim_;  // at most so many terms a sum
  double query_length_, sum_error_, rotation_error_;
  double centring_error_;  // of v - mean and q - mean, by the mean's share
  double underflow_;       // what the squares or products of a sum may lose for being below float32
};

}  // namespace medvec::hnsw
