//===- Bytes.h - sizes as people write them --------------------*- C++ -*-===//

#ifndef FTC_PIPELINES_BYTES_H
#define FTC_PIPELINES_BYTES_H

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace ftc {

/// `1.23 GB`
inline std::string bytesText(double bytes) {
  static constexpr const char *units[] = {"B", "kB", "MB", "GB", "TB"};
  unsigned unit = 0;
  for (; bytes >= 1000 && unit < 4; ++unit)
    bytes /= 1000;
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format(unit ? "%.2f %s" : "%.0f %s", bytes, units[unit]);
  return text;
}

} // namespace ftc

#endif // FTC_PIPELINES_BYTES_H
