//===- Main.cpp - the entry of every executable ------------------------------===//

#include "ftc/Runtime/CPU/Profile.h"
#include "ftc/Runtime/Run/Run.h"

#include <cstdlib>

int main(int argc, char **argv) {
  if (ftc_program_notes && std::getenv("FTC_PROFILE"))
    ftc_profile_start(ftc_programs, ftc_program_notes);
  return ftc::run::runExecutable(argc, argv, {{ftc_manifest, ftc_manifest_size}, ftc_programs, &ftc_program_setup});
}
