//===- RowReader.h - from a row to a training sequence ----------*- C++ -*-===//

#ifndef FTC_RUNTIME_DATA_ROWREADER_H
#define FTC_RUNTIME_DATA_ROWREADER_H

#include "RowSource.h"
#include "ftc/Runtime/Data/Dataset.h"
#include "ftc/Runtime/IO/ObjectReader.h"
#include "ftc/Runtime/Text/TextCodec.h"

#include <span>

namespace ftc::runtime::data {

/// Makes sequences of rows, by the format of a data set.
class RowReader {
public:
  /// `codec` may be null for the format `tokens`. Fails if the model cannot show the format.
  static Expected<RowReader> create(const DatasetOptions &options, const text::TextCodec *codec);

  /// The sequence of a row; without ids if the row has no text.
  Expected<Sequence> read(const Row &row) const;

  /// A text in no form, given in stretches that are encoded one by one, ended by the model's end token.
  Expected<Sequence> readText(std::span<const std::string_view> stretches) const;

private:
  RowReader(const DatasetOptions &options, const text::TextCodec *codec) : options(options), codec(codec) {}

  /// What the file calls a field.
  std::string name(const std::string &field) const;

  Sequence readTokens(json::ObjectReader &row) const;
  std::vector<int32_t> readIds(json::ObjectReader &row, const std::string &field, bool labels) const;
  Expected<Sequence> readAlpaca(json::ObjectReader &row) const;
  Expected<Sequence> readMessages(json::ObjectReader &row) const;

  Expected<Sequence> encode(std::span<const text::ChatSegment> segments, bool whole) const;
  /// Ends a sequence that does not end with it already.
  void addEndToken(Sequence &sequence) const;

  DatasetOptions options;
  const text::TextCodec *codec;
  std::optional<text::ChatTemplate> chat;
};

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_ROWREADER_H
