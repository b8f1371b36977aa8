//===- Record.h - what a row of a data set holds ----------------*- C++ -*-===//
//
// An objective is written for rows of one kind. Most formats give rows of one text; the other kinds are here, so that
// the compiler and the runtime agree on the names of texts and fields.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_DATA_RECORD_H
#define FTC_RUNTIME_DATA_RECORD_H

#include <array>
#include <cstddef>
#include <string_view>

namespace ftc::runtime::data {

/// Which tokens of a text have a weight.
enum class Weighing {
  NextTokens, ///< every place that predicts a label, with that label's weight
  AllTokens,  ///< every token: texts whose tokens are no targets
  LastToken   ///< the last token that is shown
};

struct RecordKind {
  std::string_view name;                 ///< as objectives say it
  std::array<std::string_view, 2> texts; ///< their names; empty where the row is the only text
  std::string_view field;                ///< an integer for each row; empty: none
  bool truth;                            ///< the field is true or false
  Weighing weighing;

  constexpr size_t textCount() const { return texts[0].empty() ? 1 : texts.size(); }
  /// Whether rows are documents without a field, which may share a row of a batch.
  constexpr bool isOneText() const { return texts[0].empty() && field.empty(); }
};

inline constexpr RecordKind recordKinds[] = {
    {"tokens", {}, "", false, Weighing::NextTokens},
    {"preference", {"chosen", "rejected"}, "", false, Weighing::NextTokens},
    {"feedback", {"completion", "mismatched"}, "desirable", true, Weighing::NextTokens},
    {"pairs", {"query", "positive"}, "", false, Weighing::AllTokens},
    {"classification", {}, "label", false, Weighing::LastToken},
};

/// The kind of rows that a format gives: the one of its name, else rows of tokens.
constexpr const RecordKind &recordKindOf(std::string_view format) {
  for (const RecordKind &kind : recordKinds)
    if (kind.name == format)
      return kind;
  return recordKinds[0];
}

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_RECORD_H
