//===- Diagnostics.cpp ----------------------------------------------------===//
//
// Collecting, ordering and printing of messages.
//
//===----------------------------------------------------------------------===//

#include "ftc/Frontend/Diagnostics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"

#include <optional>

using namespace ftc;
using llvm::SMLoc;
using llvm::SMRange;
using llvm::SourceMgr;
using llvm::StringRef;

/// Index of the builder of a message that is beyond the limit and not kept.
static constexpr size_t notKept = ~size_t(0);

std::string ftc::codeName(Diag code) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("FTR%04u", static_cast<unsigned>(code));
  return text;
}

/// Letters to insert, remove, replace or swap with their neighbour (optimal string alignment); words are short.
static unsigned spellingDistance(StringRef a, StringRef b) {
  std::vector<unsigned> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row[b.size()];
}

std::string ftc::nearestSpelling(StringRef written, llvm::ArrayRef<StringRef> candidates) {
  // A third of the letters may be wrong.
  constexpr size_t longest = 64;
  if (written.size() > longest)
    return "";
  unsigned bestDistance = std::max<unsigned>(2, written.size() / 3) + 1;
  StringRef best;
  for (StringRef candidate : candidates) {
    unsigned distance = candidate.size() > longest ? longest : spellingDistance(written, candidate);
    if (distance < bestDistance && distance < std::max(written.size(), candidate.size())) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best.str();
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Diagnostics::Builder &Diagnostics::Builder::note(SMRange range, const llvm::Twine &text) {
  if (index != notKept)
    engine.pending[index].notes.push_back({range, text.str()});
  return *this;
}

Diagnostics::Builder &Diagnostics::Builder::help(const llvm::Twine &text) { return note(SMRange(), text); }

Diagnostics::Builder &Diagnostics::Builder::nearest(StringRef written, llvm::ArrayRef<StringRef> candidates) {
  std::string best = nearestSpelling(written, candidates);
  return best.empty() ? *this : help("did you mean '" + best + "'?");
}

Diagnostics::Diagnostics(SourceMgr &sources, llvm::raw_ostream &out) : sources(sources), out(out) {}

Diagnostics::~Diagnostics() { flush(); }

namespace {
struct Entry {
  Diag code;
  Severity severity;
  const char *text;
};
} // namespace

static const Entry entries[] = {
#define FTC_DIAG(NUMBER, NAME, SEVERITY, TEXT) {Diag::NAME, Severity::SEVERITY, TEXT},
#include "ftc/Frontend/Diagnostics.def"
};

static const Entry &lookUp(Diag code) {
  return *llvm::find_if(entries, [&](const Entry &entry) { return entry.code == code; });
}

const char *Diagnostics::format(Diag code) { return lookUp(code).text; }

/// Whether a message says which dimensions an expression has. They are others where a definition is evaluated again
/// with other arguments, as by a merge: the same mistake.
static bool namesDimensions(Diag code) {
  return llvm::is_contained({Diag::NoSharedDimension, Diag::AmbiguousContraction, Diag::NoSuchDimension,
                             Diag::UnexpectedDimension, Diag::NotShared, Diag::AttentionShape},
                            code);
}

Diagnostics::Builder Diagnostics::add(Diag code, SMRange range, std::string text) {
  Severity severity = lookUp(code).severity;
  // What is elaborated once for each site would be said once for each site.
  bool known = llvm::any_of(pending, [&](const Message &earlier) {
    return earlier.code == code && earlier.range.Start == range.Start &&
           (earlier.text == text || namesDimensions(code));
  });
  if (!known && severity == Severity::Error)
    ++errors;
  if (known || pending.size() >= maxMessages)
    return Builder(*this, notKept);
  pending.push_back({code, severity, range, std::move(text), {}});
  return Builder(*this, pending.size() - 1);
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

/// The part of a long line around a column that is worth showing, and where it starts.
static std::pair<StringRef, size_t> window(StringRef line, size_t column) {
  constexpr size_t width = 200;
  if (line.size() <= width)
    return {line, 0};
  size_t start = column > width / 2 ? column - width / 2 : 0;
  return {line.substr(start, width), start};
}

/// Bytes that would act on a terminal are not shown.
static std::string printable(StringRef line) {
  std::string result = line.str();
  for (char &c : result)
    if (c != '\t' && (static_cast<unsigned char>(c) < 0x20 || c == 0x7f))
      c = '?';
  return result;
}

static void printAt(SourceMgr &sources, llvm::raw_ostream &out, SourceMgr::DiagKind kind, SMRange range,
                    StringRef text) {
  unsigned bufferId = range.isValid() ? sources.FindBufferContainingLoc(range.Start) : 0;
  if (!bufferId) {
    llvm::SMDiagnostic("", kind, text).print("ftc", out, out.has_colors());
    return;
  }
  const llvm::MemoryBuffer &buffer = *sources.getMemoryBuffer(bufferId);
  auto [lineNumber, column] = sources.getLineAndColumn(range.Start, bufferId);
  StringRef rest(buffer.getBufferStart(), buffer.getBufferSize());
  const char *lineStart = range.Start.getPointer() - (column - 1);
  StringRef line = rest.substr(lineStart - buffer.getBufferStart()).take_until([](char c) { return c == '\n'; });
  if (line.ends_with("\r"))
    line = line.drop_back();
  auto [seen, offset] = window(line, column - 1);
  std::string shown = printable(seen);
  size_t from = column - 1 - offset;
  size_t length = std::max<ptrdiff_t>(1, range.End.getPointer() - range.Start.getPointer());
  unsigned to = std::min<size_t>(shown.size(), from + length);
  StringRef name = buffer.getBufferIdentifier();
  if (!offset) {
    std::pair<unsigned, unsigned> underlined(from, to);
    llvm::SMDiagnostic(sources, range.Start, name, lineNumber, from, kind, text, shown, underlined)
        .print(nullptr, out, out.has_colors());
    return;
  }
  std::string place = llvm::formatv("{0}:{1}:{2}", name, lineNumber, column);
  llvm::SMDiagnostic(place, kind, text).print(nullptr, out, out.has_colors());
  out << "..." << shown << "...\n" << std::string(from + 3, ' ') << "^\n";
}

void Diagnostics::flush() {
  // In source order, and as reported where two have the same place.
  std::vector<std::tuple<unsigned, const char *, size_t>> order;
  for (const auto &[index, message] : llvm::enumerate(pending)) {
    SMLoc place = message.range.Start;
    order.emplace_back(place.isValid() ? sources.FindBufferContainingLoc(place) : 0, place.getPointer(), index);
  }
  llvm::sort(order);
  for (const auto &[buffer, place, index] : order) {
    const Message &message = pending[index];
    auto kind = message.severity == Severity::Error ? SourceMgr::DK_Error : SourceMgr::DK_Warning;
    printAt(sources, out, kind, message.range, message.text + " [" + codeName(message.code) + "]");
    for (const Message::Note &note : message.notes) {
      if (note.range.isValid())
        printAt(sources, out, SourceMgr::DK_Note, note.range, note.text);
      else
        out << "  help: " << note.text << "\n";
    }
  }
  unsigned kept = llvm::count_if(pending, [](const Message &m) { return m.severity == Severity::Error; });
  if (errors > printed + kept)
    out << "... and " << errors - printed - kept << " more errors\n";
  printed = errors;
  pending.clear();
}
