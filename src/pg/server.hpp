// The door to the server: every file of the backend includes this first. Topics with headers of their own stand beside
// it (arrays.hpp, worker.hpp, ...); no other folder names a server header.
#pragma once

extern "C" {
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
}

#include "pg/compat.hpp"
#include "pg/export.hpp"

namespace medvec {

// Copies a zero-terminated string into an array, cut to fit.
template <size_t N>
void CopyString(char (&to)[N], const char* from) {
  const size_t length = strnlen(from, N - 1);
  memcpy(to, from, length);
  to[length] = '\0';
}

}  // namespace medvec
