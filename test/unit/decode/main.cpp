#include <gtest/gtest.h>

#include "dicom/dictionary.hpp"

int main(int count, char** values) {
  testing::InitGoogleTest(&count, values);
  if (!medvec::decode::dicom::LoadLibraries()) {
    return 1;
  }
  return RUN_ALL_TESTS();
}
