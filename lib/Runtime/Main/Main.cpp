//===- Main.cpp - the entry of every executable ------------------------------===//

#include "ftc/Runtime/Run/Run.h"

int main(int argc, char **argv) {
  return ftc::run::runExecutable(
      argc, argv, {{ftc_manifest, ftc_manifest_size}, ftc_programs, &ftc_program_setup, ftc_program_notes});
}
