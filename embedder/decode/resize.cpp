#include "resize.hpp"

#include <algorithm>
#include <cmath>

namespace medvec::decode {
namespace {

// The taps of output pixels first .. first + count - 1 along one axis.
struct Taps {
  struct Span {
    int begin;  // first input sample
    int count;
    size_t offset;  // into weights
  };
  std::vector<Span> spans;
  std::vector<float> weights;
};

double Triangle(double x) {
  x = std::fabs(x);
  return x < 1 ? 1 - x : 0;
}

double Cubic(double x) {  // Keys, a = -0.5
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) {
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  }
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

Taps MakeTaps(int input, int64_t output, int64_t first, int count, embedder::Interpolation interpolation) {
  const bool bilinear = interpolation == embedder::Interpolation::bilinear;
  const double scale = static_cast<double>(input) / static_cast<double>(output);
  const double widening = std::max(scale, 1.0);
  const double support = (bilinear ? 1.0 : 2.0) * widening;
  Taps taps;
  std::vector<double> weights;
  for (int64_t i = first; i < first + count; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    int begin = std::max(0, static_cast<int>(center - support + 0.5));
    begin = std::min(begin, input - 1);
    const int end = std::clamp(static_cast<int>(center + support + 0.5), begin + 1, input);
    weights.clear();
    double sum = 0;
    for (int x = begin; x < end; ++x) {
      const double distance = (x - center + 0.5) / widening;
      weights.push_back(bilinear ? Triangle(distance) : Cubic(distance));
      sum += weights.back();
    }
    taps.spans.push_back({begin, end - begin, taps.weights.size()});
    for (double weight : weights) {
      taps.weights.push_back(static_cast<float>(sum != 0 ? weight / sum : 1.0 / (end - begin)));
    }
  }
  return taps;
}

template <int Channels>
void ResampleRow(const float* in, const Taps& taps, float* out) {
  for (const Taps::Span& span : taps.spans) {
    const float* weight = taps.weights.data() + span.offset;
    const float* sample = in + static_cast<size_t>(span.begin) * Channels;
    float sum[Channels] = {};
    for (int k = 0; k < span.count; ++k) {
      for (int c = 0; c < Channels; ++c) {
        sum[c] += weight[k] * *sample++;
      }
    }
    out = std::copy(sum, sum + Channels, out);
  }
}

}  // namespace

std::vector<float> Resample(const Image& image, int64_t scaled_width, int64_t scaled_height, const Box& box,
                            embedder::Interpolation interpolation) {
  const Taps columns = MakeTaps(image.width(), scaled_width, box.x, box.width, interpolation);
  const Taps rows = MakeTaps(image.height(), scaled_height, box.y, box.height, interpolation);
  const size_t out_row = static_cast<size_t>(box.width) * image.channels();
  std::vector<float> out(out_row * box.height);
  std::vector<float> source(image.row_samples());
  std::vector<float> narrowed(out_row);

  // Input rows pass once: each is narrowed and added to all output rows it belongs to, which form a window that only
  // moves down.
  int oldest = 0;
  const int first_row = rows.spans.front().begin;
  const int last_row = rows.spans.back().begin + rows.spans.back().count;
  for (int y = first_row; y < last_row; ++y) {
    while (oldest < box.height && rows.spans[oldest].begin + rows.spans[oldest].count <= y) {
      ++oldest;
    }
    if (oldest == box.height) {
      break;
    }
    if (rows.spans[oldest].begin > y) {
      continue;
    }
    image.ReadRow(y, source.data());
    if (image.channels() == 1) {
      ResampleRow<1>(source.data(), columns, narrowed.data());
    } else {
      ResampleRow<3>(source.data(), columns, narrowed.data());
    }
    for (int i = oldest; i < box.height && rows.spans[i].begin <= y; ++i) {
      if (y >= rows.spans[i].begin + rows.spans[i].count) {
        continue;
      }
      const float weight = rows.weights[rows.spans[i].offset + (y - rows.spans[i].begin)];
      float* target = out.data() + out_row * i;
      for (size_t k = 0; k < out_row; ++k) {
        target[k] += weight * narrowed[k];
      }
    }
  }
  return out;
}

}  // namespace medvec::decode
