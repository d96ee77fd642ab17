// amvalidate: whether an operator class has what the index asks of it.
#pragma once

#include "pg/index.hpp"

namespace medvec::index {

// Says what is missing at level INFO.
bool ValidateOperatorClass(Oid operator_class);

}  // namespace medvec::index
