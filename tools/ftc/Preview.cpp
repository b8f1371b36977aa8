//===- Preview.cpp - ftc preview RECIPE.ftr [-n ROWS] ----------------------===//
//
// The first rows of each data set as the model will see them, before any weight is read.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Data.h"

#include "ftc/Runtime/IO/Json.h"

#include "llvm/Support/Format.h"

using namespace ftc;
namespace cl = llvm::cl;
namespace json = ftc::runtime::json;
using run::Manifest;
using runtime::data::Batch;
using runtime::data::BatchCounts;
using runtime::data::RecordBatch;
using runtime::data::RecordBatcher;

static int preview(const char *argv0);
static Command command("preview", "Show the first rows of each data set: tokens, what is learned, document borders",
                       preview);
static RecipeOptions options(command);
static cl::opt<unsigned> wanted("n", cl::desc("Rows to show (default: 3)"), cl::value_desc("rows"), cl::init(3),
                                cl::sub(command.sub()), cl::cat(optionCategory()));
static cl::opt<bool> asJson("json", cl::desc("Print one JSON object a row"), cl::sub(command.sub()),
                            cl::cat(optionCategory()));

namespace {
/// How a step reads a data set.
struct Use {
  std::string step, data;
  run::BatchShape batch;
  bool shuffle = false;
  int64_t seed = 0;
};

/// Tokens [begin, end) of a row that belong to one document and count alike.
struct Run {
  int64_t begin, end;
  int32_t document; ///< in its row; -1: padding
  float weight;     ///< in the loss, of predicting these tokens
};
} // namespace

/// The first step that reads a data set in batches; training before all others.
static std::optional<Use> useOf(const Manifest &manifest, const std::string &data) {
  std::optional<Use> found;
  for (const run::Step &step : manifest.steps) {
    if (const auto *train = std::get_if<run::TrainStep>(&step.detail); train && train->data == data)
      return Use{step.name, data, train->batch, true, train->seed};
    const auto *evaluate = std::get_if<run::EvaluateStep>(&step.detail);
    const auto *logits = std::get_if<run::LogitsStep>(&step.detail);
    if (!found && evaluate && evaluate->data == data)
      found = Use{step.name, data, evaluate->batch};
    if (!found && logits && logits->data == data)
      found = Use{step.name, data, logits->batch};
  }
  return found;
}

/// A data set whose prompts are answered, or that nothing reads: each document in a row of its own.
static Use aloneUse(const std::string &name, const RecipeData &data) {
  Use use{"", name, {}};
  use.batch.packing = false;
  for (const runtime::data::DocumentStore &text : data.records.texts)
    for (int64_t i = 0; i < text.size(); ++i)
      use.batch.tokens = std::max(use.batch.tokens, text.length(i));
  return use;
}

/// A token is learned where the place before it, of the same document, has it as its target; without targets, the
/// weight is its own.
static std::vector<Run> runsOf(const Batch &batch, int64_t row, bool targets) {
  std::vector<Run> runs;
  for (int64_t i = 0; i < batch.tokens; ++i) {
    size_t at = size_t(row * batch.tokens + i);
    bool begins = i == 0 || batch.segments[at] != batch.segments[at - 1];
    float weight = !targets ? batch.weights[at] : begins ? 0 : batch.weights[at - 1];
    if (!runs.empty() && !begins && (runs.back().weight == weight || batch.segments[at] < 0))
      runs.back().end = i + 1;
    else
      runs.push_back({i, i + 1, batch.segments[at], weight});
  }
  return runs;
}

/// `1 row`, `3 rows`
static std::string counted(int64_t count, llvm::StringRef noun) {
  return std::to_string(count) + " " + noun.str() + (count == 1 ? "" : "s");
}

static std::string idsText(llvm::ArrayRef<int32_t> ids) {
  static constexpr size_t most = 12;
  std::string text;
  for (int32_t id : ids.take_front(most))
    text += (text.empty() ? "" : " ") + std::to_string(id);
  return ids.size() > most ? text + " ... " + std::to_string(ids.back()) : text;
}

/// `title`: which row, and which text of it.
static void printRow(const RecipeData &data, const Batch &batch, int64_t row, const std::string &title) {
  llvm::raw_ostream &out = llvm::outs();
  llvm::ArrayRef<int32_t> ids(batch.inputIds.data() + row * batch.tokens, size_t(batch.tokens));
  std::vector<Run> runs = runsOf(batch, row, data.records.kind->weighing == runtime::data::Weighing::NextTokens);
  int64_t filled = 0, learned = 0, documents = 0;
  for (const Run &run : runs)
    if (run.document >= 0) {
      filled += run.end - run.begin;
      learned += run.weight > 0 ? run.end - run.begin : 0;
      documents = std::max<int64_t>(documents, run.document + 1);
    }
  out << "\n  " << title << ": " << filled << " of " << batch.tokens << " places, " << counted(documents, "document")
      << ", " << counted(learned, "token") << " learned\n";
  int32_t document = -1;
  for (const Run &run : runs) {
    if (run.document < 0)
      continue;
    if (run.document != std::exchange(document, run.document))
      out << "    document " << document + 1 << "\n";
    llvm::ArrayRef<int32_t> own = ids.slice(size_t(run.begin), size_t(run.end - run.begin));
    out << llvm::format("      %5lld..%-5lld ", (long long)run.begin, (long long)(run.end - 1));
    if (run.weight == 0)
      out << "read        ";
    else
      out << llvm::format("learn %-6g", double(run.weight));
    if (data.codec)
      if (auto text = data.codec->tokenizer().decode({own.data(), own.size()}); text)
        out << json::dumpString(*text) << "\n" << std::string(31, ' ');
    out << idsText(own) << "\n";
  }
}

/// A row as one object: everything that the programs are given.
static void printJson(const Use &use, const Batch &batch, int64_t row, llvm::StringRef text) {
  auto slice = [&](const auto &values) {
    json::Array array;
    for (int64_t i = 0; i < batch.tokens; ++i) {
      auto value = values[size_t(row * batch.tokens + i)];
      array.push_back(std::is_floating_point_v<decltype(value)> ? json::Value(double(value))
                                                                : json::Value(int64_t(value)));
    }
    return array;
  };
  json::Object object = {{"data", use.data},
                         {"step", use.step},
                         {"input_ids", slice(batch.inputIds)},
                         {"targets", slice(batch.targets)},
                         {"weights", slice(batch.weights)},
                         {"positions", slice(batch.positions)},
                         {"segments", slice(batch.segments)}};
  if (!text.empty())
    object.push_back({"text", text.str()});
  llvm::outs() << json::dump(json::Value(std::move(object))) << "\n";
}

static void printHead(const RecipeData &data, const Use &use, const BatchCounts &counts) {
  llvm::raw_ostream &out = llvm::outs();
  out << use.data << ": " << data.step->path << ", " << data.step->format;
  if (!use.step.empty())
    out << "; as '" << use.step << "' sees it: " << use.batch.sequences << " x " << use.batch.tokens
        << (use.batch.packing ? ", packed" : ", one document a row");
  out << "\n  " << counted(counts.documents, "document") << ", " << counted(counts.tokens, "token") << ", "
      << counts.supervised << " of them learned\n  " << counted(counts.rows, "row") << ", "
      << llvm::format("%.1f %% of their places filled", 100 * counts.efficiency);
  if (!use.step.empty())
    out << ", " << counted(counts.stepsPerEpoch, "step") << " an epoch";
  out << "\n";
  if (counts.truncatedDocuments)
    out << "  longer than a row: " << counted(counts.truncatedDocuments, "document") << ", of which "
        << counted(counts.truncatedTokens, "token") << " are never seen\n";
  if (counts.unsupervisedDocuments)
    out << "  with nothing to learn: " << counted(counts.unsupervisedDocuments, "document") << "\n";
}

static runtime::Status showData(const Manifest &manifest, const std::string &name) {
  auto data = readData(manifest, name);
  if (!data)
    return data.error();
  std::optional<Use> known = useOf(manifest, name);
  Use use = known ? *known : aloneUse(name, *data);
  RecordBatcher batcher = batcherOf(*data, use.batch, use.shuffle && data->step->shuffle, use.seed);
  const BatchCounts &counts = batcher.counts();
  if (!asJson)
    printHead(*data, use, counts);
  int64_t rows = std::min<int64_t>(wanted, counts.rows);
  if (use.batch.whole)
    rows = std::min(rows, counts.stepsPerEpoch * use.batch.sequences);
  RecordBatch batch;
  for (int64_t row = 0; row < rows; ++row) {
    if (row % use.batch.sequences == 0)
      batcher.fill(row / use.batch.sequences, batch);
    for (size_t i = 0; i < batch.texts.size(); ++i) {
      llvm::StringRef text = batch.texts.size() > 1 ? llvm::StringRef(batch.kind->texts[i]) : "";
      std::string title = ("row " + llvm::Twine(row + 1) + (text.empty() ? "" : ", ") + text).str();
      if (asJson)
        printJson(use, batch.texts[i], row % use.batch.sequences, text);
      else
        printRow(*data, batch.texts[i], row % use.batch.sequences, title);
    }
  }
  if (!asJson)
    llvm::outs() << "\n";
  return runtime::Status::success();
}

static int preview(const char *argv0) {
  auto chosen = options.read();
  if (!chosen)
    return WrongUsage;
  Compilation compilation(*chosen, argv0);
  if (!compilation.lowerTo(Rung::Placed))
    return compilation.status();
  auto manifest = manifestOf(compilation);
  runtime::Status status = manifest ? runtime::Status::success() : runtime::Status(manifest.error());
  if (manifest)
    for (const run::Step &step : manifest->steps)
      if (status && step.kind == "dataset")
        status = showData(*manifest, step.name);
  if (status)
    return Success;
  llvm::outs().flush();
  llvm::errs() << "ftc: error: " << status.error().message << "\n";
  return int(status.error().status);
}
