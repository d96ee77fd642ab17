#include "spec.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace medvec::embedder {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxText = 64 * 1024;
constexpr int kMaxSide = 4096;
constexpr int kMaxShorterSide = 8192;

constexpr std::array kKeys = {"channels", "height", "width", "resize", "shorter_side", "interpolation", "mean",
                              "std",      "window", "frame", "pool",   "l2_normalize", "metric"};

template <typename Enum>
using Names = std::vector<std::pair<const char*, Enum>>;

const Names<ResizeMode> kResizeNames = {
    {"crop", ResizeMode::crop}, {"letterbox", ResizeMode::letterbox}, {"stretch", ResizeMode::stretch}};
const Names<Interpolation> kInterpolationNames = {{"bilinear", Interpolation::bilinear},
                                                  {"bicubic", Interpolation::bicubic}};
const Names<FrameChoice> kFrameNames = {{"first", FrameChoice::first}, {"middle", FrameChoice::middle}};
const Names<Pool> kPoolNames = {{"none", Pool::none}, {"average", Pool::average}};
const Names<Metric> kMetricNames = {
    {"cosine", Metric::cosine}, {"l2", Metric::l2}, {"inner_product", Metric::inner_product}};

std::string Quoted(std::string_view key) { return "\"" + std::string(key) + "\""; }

// Control characters and length do not travel from a user's text into our messages.
std::string Shown(std::string_view text) {
  std::string shown;
  for (char c : text.substr(0, 40)) {
    shown += (c >= 0x20 && c < 0x7f) ? c : '?';
  }
  return Quoted(shown);
}

int Integer(const Json& object, const char* key, int fallback, int low, int high) {
  auto it = object.find(key);
  if (it == object.end()) {
    return fallback;
  }
  const std::string range = std::to_string(low) + " to " + std::to_string(high);
  if (!it->is_number_integer()) {
    throw SpecError("model spec: " + Quoted(key) + " must be an integer from " + range);
  }
  const bool too_large = it->is_number_unsigned() && it->get<uint64_t>() > static_cast<uint64_t>(high);
  if (too_large || it->get<int64_t>() < low || it->get<int64_t>() > high) {
    throw SpecError("model spec: " + Quoted(key) + " is out of range, it must be from " + range);
  }
  return static_cast<int>(it->get<int64_t>());
}

bool Boolean(const Json& object, const char* key, bool fallback) {
  auto it = object.find(key);
  if (it == object.end()) {
    return fallback;
  }
  if (!it->is_boolean()) {
    throw SpecError("model spec: " + Quoted(key) + " must be true or false");
  }
  return it->get<bool>();
}

template <typename Enum>
Enum OneOf(const Json& object, const char* key, const Names<Enum>& names, Enum fallback) {
  auto it = object.find(key);
  if (it == object.end()) {
    return fallback;
  }
  std::string choices;
  for (const auto& [name, value] : names) {
    if (it->is_string() && it->get_ref<const std::string&>() == name) {
      return value;
    }
    choices += (choices.empty() ? "" : ", ") + Quoted(name);
  }
  throw SpecError("model spec: " + Quoted(key) + " must be one of " + choices);
}

template <typename Enum>
const char* NameOf(const Names<Enum>& names, Enum wanted) {
  for (const auto& [name, value] : names) {
    if (value == wanted) {
      return name;
    }
  }
  return "";
}

double Number(const Json& value, const std::string& what) {
  if (!value.is_number() || !std::isfinite(value.get<double>()) || std::fabs(value.get<double>()) > 1e9) {
    throw SpecError("model spec: " + what + " must be a number between -1e9 and 1e9");
  }
  return value.get<double>();
}

std::vector<double> PerChannel(const Json& object, const char* key, int channels, std::vector<double> fallback) {
  auto it = object.find(key);
  if (it == object.end()) {
    return fallback;
  }
  if (!it->is_array() || it->size() != static_cast<size_t>(channels)) {
    throw SpecError("model spec: " + Quoted(key) + " must be an array of " + std::to_string(channels) +
                    (channels == 1 ? " number" : " numbers") + ", one a channel");
  }
  std::vector<double> values;
  for (const Json& value : *it) {
    values.push_back(Number(value, "an element of " + Quoted(key)));
  }
  return values;
}

std::optional<Window> RecordedWindow(const Json& object) {
  auto it = object.find("window");
  if (it == object.end() || it->is_null()) {
    return std::nullopt;
  }
  if (!it->is_object() || it->size() != 2 || !it->contains("center") || !it->contains("width")) {
    throw SpecError("model spec: \"window\" must be null or an object of \"center\" and \"width\"");
  }
  const Window window = {Number(it->at("center"), "\"center\" of \"window\""),
                         Number(it->at("width"), "\"width\" of \"window\"")};
  if (window.width < 1e-9) {
    throw SpecError("model spec: \"width\" of \"window\" must be positive");
  }
  return window;
}

Json ParseText(std::string_view text) {
  if (text.size() > kMaxText) {
    throw SpecError("model spec: longer than " + std::to_string(kMaxText) + " bytes");
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Json::object();
  }
  std::vector<std::set<std::string>>
      seen;  // keys of each open object, since the parser would take the last one silently
  auto watch = [&seen](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) {
      seen.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      seen.pop_back();
    } else if (event == Json::parse_event_t::key && !seen.back().insert(value.get<std::string>()).second) {
      throw SpecError("model spec: key " + Shown(value.get_ref<const std::string&>()) + " appears twice");
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), watch);
  } catch (const Json::parse_error& error) {
    throw SpecError("model spec: not valid JSON at byte " + std::to_string(error.byte));
  } catch (const Json::exception&) {
    throw SpecError("model spec: not valid JSON, a number is out of range");
  }
}

}  // namespace

Spec Spec::Parse(std::string_view text) {
  const Json object = ParseText(text);
  if (!object.is_object()) {
    throw SpecError("model spec: must be a JSON object");
  }
  for (const auto& item : object.items()) {
    bool known = false;
    for (const char* key : kKeys) {
      known = known || item.key() == key;
    }
    if (!known) {
      throw SpecError("model spec: unknown key " + Shown(item.key()));
    }
  }

  Spec spec;
  spec.channels = Integer(object, "channels", spec.channels, 1, 3);
  if (spec.channels == 2) {
    throw SpecError("model spec: \"channels\" must be 1 or 3");
  }
  if (spec.channels == 1) {
    spec.mean = {0.449};
    spec.std = {0.226};
  }
  spec.height = Integer(object, "height", spec.height, 1, kMaxSide);
  spec.width = Integer(object, "width", spec.width, 1, kMaxSide);
  spec.resize = OneOf(object, "resize", kResizeNames, spec.resize);
  if (auto it = object.find("shorter_side"); it != object.end() && !it->is_null()) {
    if (spec.resize != ResizeMode::crop) {
      throw SpecError("model spec: \"shorter_side\" is for \"resize\": \"crop\" only");
    }
    spec.shorter_side = Integer(object, "shorter_side", 0, std::max(spec.height, spec.width), kMaxShorterSide);
  }
  spec.interpolation = OneOf(object, "interpolation", kInterpolationNames, spec.interpolation);
  spec.mean = PerChannel(object, "mean", spec.channels, spec.mean);
  spec.std = PerChannel(object, "std", spec.channels, spec.std);
  for (double deviation : spec.std) {
    if (deviation < 1e-9) {
      throw SpecError("model spec: an element of \"std\" must be positive");
    }
  }
  spec.window = RecordedWindow(object);
  spec.frame = OneOf(object, "frame", kFrameNames, spec.frame);
  spec.pool = OneOf(object, "pool", kPoolNames, spec.pool);
  spec.l2_normalize = Boolean(object, "l2_normalize", spec.l2_normalize);
  spec.metric = OneOf(object, "metric", kMetricNames, spec.metric);
  return spec;
}

std::string Spec::ToJson() const {
  Json object;
  object["channels"] = channels;
  object["height"] = height;
  object["width"] = width;
  object["resize"] = NameOf(kResizeNames, resize);
  object["shorter_side"] = shorter_side ? Json(*shorter_side) : Json(nullptr);
  object["interpolation"] = NameOf(kInterpolationNames, interpolation);
  object["mean"] = mean;
  object["std"] = std;
  object["window"] = nullptr;
  if (window) {
    object["window"] = {{"center", window->center}, {"width", window->width}};
  }
  object["frame"] = NameOf(kFrameNames, frame);
  object["pool"] = NameOf(kPoolNames, pool);
  object["l2_normalize"] = l2_normalize;
  object["metric"] = NameOf(kMetricNames, metric);
  return object.dump();
}

}  // namespace medvec::embedder
