//===- PostProcessor.h - special tokens around a text -----------*- C++ -*-===//
#ifndef FTC_RUNTIME_TEXT_POSTPROCESSOR_H
#define FTC_RUNTIME_TEXT_POSTPROCESSOR_H

#include <cstdint>
#include <vector>

namespace ftc::runtime::text {

/// What a post-processor makes of one text: `before`, the text's tokens, `after`. Processors in sequence nest.
struct PostProcessor {
  std::vector<int32_t> before;
  std::vector<int32_t> after;

  /// Applies `outer` to the result of this one.
  void wrap(const PostProcessor &outer) {
    before.insert(before.begin(), outer.before.begin(), outer.before.end());
    after.insert(after.end(), outer.after.begin(), outer.after.end());
  }
};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_POSTPROCESSOR_H
