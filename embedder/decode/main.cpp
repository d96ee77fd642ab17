// medvec-decoder: the program that reads image files, alone with them. See README.md.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "decoder.hpp"
#include "dicom/dictionary.hpp"
#include "serve.hpp"

namespace {

using namespace medvec::decode;  // NOLINT: this file is the program

constexpr const char* kUsage =
    "medvec-decoder reads DICOM, PNG and JPEG files.\n"
    "\n"
    "  medvec-decoder info FILE...             what the files are, a line each\n"
    "  medvec-decoder header FILE              the DICOM header as JSON\n"
    "  medvec-decoder thumbnail SIZE FILE      a PNG, longer side SIZE, on standard output\n"
    "  medvec-decoder decode SPEC.json FILE    a network's input, float32, channel after channel\n"
    "  medvec-decoder pixels FILE              the picture before resizing: PGM or PPM of 8 or 16 bits, or PFM "
    "(32-bit\n"
    "                                          float, here from the top row down)\n"
    "\n"
    "Used by medvec-embedder:\n"
    "  medvec-decoder --control FD             fork a decoder for each socket that comes over FD\n"
    "  medvec-decoder --serve FD               serve requests on FD\n"
    "\n"
    "Options: --memory-limit BYTES, --max-pixels N, --frame N, --no-sandbox\n";

struct Options {
  SandboxLimits sandbox;
  bool sandboxed = true;
  medvec::protocol::Limits limits = {uint64_t{1} << 28, 0, -1};
  std::optional<int> control;
  std::optional<int> serve;
  std::vector<std::string> arguments;
};

[[noreturn]] void Usage(const std::string& problem) {
  std::cerr << "medvec-decoder: " << problem << "\nTry \"medvec-decoder --help\".\n";
  std::exit(2);
}

template <typename T>
T Number(std::string_view text, const char* what) {
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) {
    Usage(std::string(what) + " must be a number");
  }
  return value;
}

Options ReadOptions(int count, char** values) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view option = values[i];
    auto next = [&]() -> std::string_view {
      if (++i >= count) {
        Usage(std::string(option) + " needs a value");
      }
      return values[i];
    };
    if (option == "--help") {
      std::cout << kUsage;
      std::exit(0);
    } else if (option == "--control") {
      options.control = Number<int>(next(), "--control");
    } else if (option == "--serve") {
      options.serve = Number<int>(next(), "--serve");
    } else if (option == "--memory-limit") {
      options.sandbox.memory_bytes = Number<uint64_t>(next(), "--memory-limit");
    } else if (option == "--max-pixels") {
      options.limits.max_pixels = Number<uint64_t>(next(), "--max-pixels");
    } else if (option == "--frame") {
      options.limits.frame = Number<int32_t>(next(), "--frame");
    } else if (option == "--no-sandbox") {
      options.sandboxed = false;
    } else if (option.starts_with("--")) {
      Usage("unknown option " + std::string(option));
    } else {
      options.arguments.emplace_back(option);
    }
  }
  return options;
}

std::string ReadFile(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  if (!in) {
    std::cerr << "medvec-decoder: cannot read " << name << "\n";
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

Bytes AsBytes(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

void WriteOut(const void* bytes, size_t size) { std::cout.write(static_cast<const char*>(bytes), size); }

void WritePixels(const Image& image) {
  const bool grey = image.channels() == 1;
  const std::string size = std::to_string(image.width()) + " " + std::to_string(image.height()) + "\n";
  switch (image.sample()) {
    case Sample::u8:
      std::cout << (grey ? "P5\n" : "P6\n") << size << "255\n";
      WriteOut(image.data(), image.size_bytes());
      break;
    case Sample::u16: {
      std::cout << (grey ? "P5\n" : "P6\n") << size << "65535\n";
      for (size_t i = 0; i < image.size_bytes(); i += 2) {  // most significant byte first
        WriteOut(image.data() + i + 1, 1);
        WriteOut(image.data() + i, 1);
      }
      break;
    }
    case Sample::f32:
      std::cout << (grey ? "Pf\n" : "PF\n") << size << "-1\n";
      WriteOut(image.data(), image.size_bytes());
  }
}

void PrintInfo(const std::string& name, Bytes file) {
  constexpr const char* kFields[] = {"format", "width",  "height",   "channels",
                                     "bits",   "frames", "modality", "transfer syntax"};
  const auto info = ImageInfo(file);
  std::cout << name << ":";
  for (size_t i = 0; i < info.size(); ++i) {
    if (!info[i].empty()) {
      std::cout << (i == 0 ? " " : ", ") << kFields[i] << " " << info[i];
    }
  }
  std::cout << "\n";
}

// Returns the exit status.
int Guarded(const std::string& name, auto action) {
  try {
    action();
    return 0;
  } catch (const RequestError& error) {
    std::cerr << name << ": " << error.message << (error.detail.empty() ? "" : "\n  " + error.detail) << "\n";
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << "\n";
  }
  return 1;
}

int RunCommand(const Options& options) {
  const std::vector<std::string>& arguments = options.arguments;
  const std::string& command = arguments[0];
  auto expect = [&](size_t count) {
    if (arguments.size() != count + 1) {
      Usage(command + " takes " + std::to_string(count) + (count == 1 ? " argument" : " arguments"));
    }
    return arguments.back();
  };
  if (command == "info") {
    int status = 0;
    for (size_t i = 1; i < arguments.size(); ++i) {
      const std::string file = ReadFile(arguments[i]);
      status |= Guarded(arguments[i], [&] { PrintInfo(arguments[i], AsBytes(file)); });
    }
    return status;
  }
  if (command == "header") {
    const std::string name = expect(1);
    const std::string file = ReadFile(name);
    return Guarded(name, [&] { std::cout << DicomHeader(AsBytes(file)) << "\n"; });
  }
  if (command == "thumbnail") {
    const std::string name = expect(2);
    const std::string file = ReadFile(name);
    return Guarded(name, [&] {
      const std::vector<uint8_t> png = Thumbnail(AsBytes(file), options.limits, Number<uint32_t>(arguments[1], "SIZE"));
      WriteOut(png.data(), png.size());
    });
  }
  if (command == "decode") {
    const std::string name = expect(2);
    const std::string file = ReadFile(name);
    return Guarded(name, [&] {
      const auto spec = medvec::embedder::Spec::Parse(ReadFile(arguments[1]));
      const Tensor tensor = DecodeForModel(AsBytes(file), options.limits, spec);
      WriteOut(tensor.values.data(), tensor.values.size() * sizeof(float));
    });
  }
  if (command == "pixels") {
    const std::string name = expect(1);
    const std::string file = ReadFile(name);
    return Guarded(name, [&] { WritePixels(DecodeImage(AsBytes(file), options.limits)); });
  }
  Usage("unknown command " + command);
}

// A child tries the filter, since it cannot be taken off again: whether it works is said once, here.
void ProbeSandbox(const SandboxLimits& limits) {
  const pid_t pid = fork();
  if (pid == 0) {
    _exit(EnterSandbox(limits) ? 0 : 1);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
    std::cerr << "medvec-decoder: no system call filter here (seccomp); going on with resource limits only\n";
  }
}

}  // namespace

int main(int count, char** values) {
  const Options options = ReadOptions(count, values);
  if (!options.control && !options.serve && options.arguments.empty()) {
    std::cerr << kUsage;
    return 2;
  }
  if (!dicom::LoadLibraries()) {
    std::cerr << "medvec-decoder: DCMTK's data dictionary is missing; DICOM files of implicit VR will not be read\n";
  }
  if (options.control) {
    fcntl(*options.control, F_SETFD, FD_CLOEXEC);
    if (options.sandboxed) {
      ProbeSandbox(options.sandbox);
    }
    return ServeControl(*options.control, options.sandbox, options.sandboxed);
  }
  if (options.serve) {
    if (options.sandboxed && !EnterSandbox(options.sandbox)) {
      std::cerr << "medvec-decoder: no system call filter here (seccomp); going on with resource limits only\n";
    }
    return ServeConnection(*options.serve);
  }
  return RunCommand(options);
}
