// The tests start this binary again to play an executable of ftc.

#include "TinyProgram.h"

#include <gtest/gtest.h>

#include <cstdlib>

int main(int argc, char **argv) {
  if (std::getenv("FTC_TINY_FOLDER"))
    return tiny::main(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
