// Symbols the server looks up by name. Everything else in the library stays hidden: modules are loaded RTLD_GLOBAL, and
// PGDLLEXPORT is empty on PostgreSQL 15, so hiding needs a macro of our own.
#pragma once

#define MEDVEC_EXPORT __attribute__((visibility("default")))

// Declares and opens an SQL-callable function (version-1 convention) named `name` at the C level:
//   MEDVEC_FUNCTION(medvec_vector_in) { ... return datum; }
// C names carry the prefix medvec_, so that no name clashes with another extension in the same process.
#define MEDVEC_FUNCTION(name)                                             \
  extern "C" MEDVEC_EXPORT Datum name(PG_FUNCTION_ARGS);                  \
  extern "C" MEDVEC_EXPORT const Pg_finfo_record* pg_finfo_##name(void) { \
    static const Pg_finfo_record info = {1};                              \
    return &info;                                                         \
  }                                                                       \
  extern "C" Datum name([[maybe_unused]] PG_FUNCTION_ARGS)
