// SHA-256 of bytes, in lower-case hexadecimal.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace medvec::embedder {

std::string Sha256Hex(std::span<const std::byte> bytes);

}  // namespace medvec::embedder
