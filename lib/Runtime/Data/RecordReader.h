//===- RecordReader.h - rows that hold several texts or a field -*- C++ -*-===//

#ifndef FTC_RUNTIME_DATA_RECORDREADER_H
#define FTC_RUNTIME_DATA_RECORDREADER_H

#include "RowReader.h"

namespace ftc::runtime::data {

/// A text as a row gives it: of one of three forms.
struct Passage {
  enum class Form { Text, Ids, Messages } form = Form::Text;
  std::string text;
  std::vector<int32_t> ids;
  std::vector<text::ChatMessage> messages;

  bool empty() const { return text.empty() && ids.empty() && messages.empty(); }
};

/// Adds the texts and fields of rows to a store, for the formats whose rows are of a kind of their own.
class RecordReader {
public:
  RecordReader(const RowReader &reader, const DatasetOptions &options) : reader(reader), options(options) {}

  Status add(const Row &row, RecordStore &store);
  /// What could be known only when all rows had been read.
  Status finish(RecordStore &store);

private:
  struct Answered {
    Passage prompt, completion;
    std::string place;
  };

  std::string name(const std::string &field) const { return reader.name(field); }
  Passage passage(json::ObjectReader &row, const std::string &field) const;
  std::vector<Expected<Sequence>> readPreference(json::ObjectReader &row) const;
  std::vector<Expected<Sequence>> readFeedback(json::ObjectReader &row);
  std::vector<Expected<Sequence>> readPairs(json::ObjectReader &row) const;
  std::vector<Expected<Sequence>> readLabelled(json::ObjectReader &row) const;
  Expected<Sequence> answer(const Passage &prompt, const Passage &completion) const;
  Expected<Sequence> alone(const Passage &passage) const;
  Status append(RecordStore &store, size_t text, Expected<Sequence> sequence, const std::string &place) const;

  const RowReader &reader;
  const DatasetOptions &options;
  int32_t field = 0;
  std::vector<Answered> answered; // of `feedback`
};

/// Adds a sequence if its ids are the model's and it still fits. `place` names it in messages.
Status addDocument(DocumentStore &store, const Sequence &sequence, const DatasetOptions &options,
                   const std::string &place);

} // namespace ftc::runtime::data

#endif // FTC_RUNTIME_DATA_RECORDREADER_H
