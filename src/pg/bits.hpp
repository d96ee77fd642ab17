// Door to the built-in bit strings.
#pragma once

#include "pg/server.hpp"

extern "C" {
#include "utils/varbit.h"
}
