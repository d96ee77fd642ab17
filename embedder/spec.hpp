// A model's preprocessing spec: what becomes of a decoded image before the network, and of the network's output after
// it.
//
// Written by whoever registers a model, as JSON; every key may be left out:
//
//   key              default           values
//   "channels"       3                 1 or 3: grey is repeated to 3, colour becomes grey by Rec. 601
//   "height"         224               1 to 4096, of the network's input
//   "width"          224               1 to 4096
//   "resize"         "crop"            "crop": scale, keep the aspect, cut the centre
//                                      "letterbox": scale until all of it fits, keep the aspect, background around it
//                                      "stretch": scale each axis by itself
//   "shorter_side"   null              with "crop" only: the image's shorter side after scaling, at least height and
//                                      width and at most 8192; null: the smallest scale that fills height x width
//   "interpolation"  "bilinear"        "bilinear", "bicubic"; both antialiased when they shrink
//   "mean"           ImageNet's        one number a channel, of values scaled to 0..1
//   "std"            ImageNet's        one positive number a channel
//   "window"         null              {"center": c, "width": w}: for greyscale DICOM, modality units c - w/2 .. c +
//   w/2
//                                      become 0..1, and the file's own VOI LUT or window is not looked at
//   "frame"          "first"           "first", "middle" (frame n/2 of n, counted from 0)
//   "pool"           "none"            "none", "average" (over the network's spatial output axes)
//   "l2_normalize"   false             whether the vector is scaled to length 1
//   "metric"         "cosine"          "cosine", "l2", "inner_product": how its vectors are meant to be compared
//
// ImageNet's mean is .485 .456 .406 and deviation .229 .224 .225; for one channel their averages, .449 and .226.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace medvec::embedder {

// what() is fit for the user: PostgreSQL's style, names the key.
class SpecError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class ResizeMode { crop, letterbox, stretch };
enum class Interpolation { bilinear, bicubic };
enum class FrameChoice { first, middle };
enum class Pool { none, average };
enum class Metric { cosine, l2, inner_product };

struct Window {
  double center;
  double width;
};

struct Spec {
  int channels = 3;
  int height = 224;
  int width = 224;
  ResizeMode resize = ResizeMode::crop;
  std::optional<int> shorter_side;
  Interpolation interpolation = Interpolation::bilinear;
  std::vector<double> mean = {0.485, 0.456, 0.406};  // `channels` of them
  std::vector<double> std = {0.229, 0.224, 0.225};   // `channels` of them
  std::optional<Window> window;
  FrameChoice frame = FrameChoice::first;
  Pool pool = Pool::none;
  bool l2_normalize = false;
  Metric metric = Metric::cosine;

  // Throws SpecError on anything not in the table above. Empty or blank text stands for {}.
  static Spec Parse(std::string_view json);

  // Complete, with every default written out, keys in the order of the table. Parse(ToJson()) gives the same spec.
  std::string ToJson() const;
};

}  // namespace medvec::embedder
