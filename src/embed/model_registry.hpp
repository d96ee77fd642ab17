// The models of this database: rows of table medvec.model, cached by the backend until the table changes.
#pragma once

#include "pg/server.hpp"

namespace medvec::embed {

struct Model {
  const char* name;
  const char* file;    // relative to a model directory
  const char* sha256;  // 64 lower-case hexadecimal digits
  int32 dimensions;
  const char* spec;  // JSON
};

// The model registered under `name`. It stays valid until the end of the statement. Errors: 42704 where there is none.
const Model& FindModel(const char* name);

// The path of a model's file: in the directory of the setting medvec.model_directory, else in that of the bundled
// models. Errors: 22023 where `file` leaves those directories, 58P01 where it is in neither.
char* FindModelFile(const char* file);

}  // namespace medvec::embed
