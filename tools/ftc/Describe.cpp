//===- Describe.cpp - ftc describe NAME | FILE.ftr -------------------------===//
//
// What a definition is: parameters, tensors, what it computes, how it merges, how files call it. Each heading is filled
// by a function of its own; another fact about definitions is another line of `parts`.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "Facts.h"
#include "MergeFormula.h"
#include "Proofs.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

using namespace ftc;
using namespace ftc::ast;
using llvm::StringRef;
namespace cl = llvm::cl;

static int describe(const char *argv0);
static Command command("describe", "Say what a definition is: parameters, tensors, merge, files", describe);
static cl::list<std::string> subjects(cl::Positional, cl::desc("NAME | FILE.ftr ..."), cl::sub(command.sub()),
                                      cl::cat(optionCategory()));
static cl::list<std::string> defines("D", cl::Prefix, cl::desc("Give a parameter its value for what is tried"),
                                     cl::value_desc("name=value"), cl::sub(command.sub()), cl::cat(optionCategory()));

static std::string textOf(const Expr *expr) { return expr ? sourceText(expr->range) : ""; }
static std::string textOf(const std::optional<std::vector<Axis>> &axes) {
  if (!axes)
    return "";
  auto name = [](const Name &part) { return part.text; };
  auto axis = [&](const Axis &one) {
    std::string names = llvm::join(llvm::map_range(one.names, name), ", ");
    return one.integer ? std::to_string(*one.integer) : one.names.size() > 1 ? "(" + names + ")" : names;
  };
  return "[" + llvm::join(llvm::map_range(*axes, axis), ", ") + "]";
}
static std::string textOf(const std::optional<Type> &type) { return type ? sourceText(type->range) : ""; }

/// All items of a kind, also those of blocks inside.
template <typename T> static std::vector<const T *> itemsOf(const std::vector<ItemPtr> &body) {
  std::vector<const T *> found;
  for (const ItemPtr &item : body) {
    if (const auto *own = llvm::dyn_cast<T>(item.get()))
      found.push_back(own);
    if (const auto *on = llvm::dyn_cast<OnItem>(item.get()))
      llvm::append_range(found, itemsOf<T>(on->body));
  }
  return found;
}

//===----------------------------------------------------------------------===//
// Facts
//===----------------------------------------------------------------------===//

static Facts describeParameters(const Definition &definition) {
  Facts facts{"parameters", {}};
  for (const Parameter &parameter : definition.parameters)
    facts.add(parameter.name.text,
              textOf(parameter.type) + (parameter.defaultValue ? " = " + textOf(parameter.defaultValue.get())
                                                               : std::string(", must be given")));
  return facts;
}

static Facts describeConfiguration(const Definition &definition) {
  Facts facts{"configuration", {}};
  for (const ConfigItem *item : itemsOf<ConfigItem>(definition.body))
    for (const ConfigItem::Key &key : item->keys)
      facts.add(key.name.text, key.defaultValue ? "= " + textOf(key.defaultValue.get()) : "must be there");
  return facts;
}

static Facts describeParts(const Definition &definition) {
  Facts facts{"parts", {}};
  for (const PartItem *part : itemsOf<PartItem>(definition.body)) {
    std::string name = part->name.text;
    if (part->count)
      name += "[" + part->index.text + ": " + textOf(part->count.get()) + "]";
    facts.add(name,
              textOf(part->value.get()) + (part->condition ? " when " + textOf(part->condition.get()) : std::string()));
  }
  return facts;
}

static Facts describeDimensions(const Definition &definition) {
  Facts facts{"dimensions", {}};
  for (const DimsItem *item : itemsOf<DimsItem>(definition.body))
    for (const DimsItem::Dim &dim : item->dims)
      facts.add(dim.name.text, textOf(dim.value.get()));
  for (const RequireItem *require : itemsOf<RequireItem>(definition.body))
    facts.add("required", textOf(require->condition.get()) + ": " + require->message);
  return facts;
}

static StringRef roleText(TensorRole role) {
  switch (role) {
  case TensorRole::Param:
    return "trained";
  case TensorRole::Frozen:
    return "frozen";
  case TensorRole::Folded:
    return "folded, saved as its value";
  case TensorRole::State:
    return "state";
  case TensorRole::Store:
    return "stored";
  case TensorRole::Let:
    return "computed once";
  }
  llvm_unreachable("a role without a name");
}

/// Number of elements as a formula: `rank * in`.
static std::string sizeText(const std::vector<Axis> &axes) {
  std::vector<std::string> factors;
  for (const Axis &axis : axes) {
    for (const Name &name : axis.names)
      factors.push_back(name.text);
    if (axis.integer)
      factors.push_back(std::to_string(*axis.integer));
  }
  return factors.empty() ? "1" : llvm::join(factors, " * ");
}

/// Tensors with their shapes, and how many numbers a site trains.
static Facts describeTensors(const Definition &definition) {
  Facts facts{"tensors", {}};
  std::vector<std::string> counts;
  for (const DeclarationsItem *item : itemsOf<DeclarationsItem>(definition.body))
    for (const Declaration &declaration : item->declarations) {
      bool own = !declaration.type && !declaration.value && item->role == TensorRole::Param;
      std::string text = own ? "the site's own tensor, trained in place" : textOf(declaration.type);
      if (!own) {
        text += (text.empty() ? "" : ", ") + std::string(item->shared ? "shared, " : "") + roleText(item->role).str();
        if (declaration.value)
          text +=
              (item->role == TensorRole::Param || item->role == TensorRole::Frozen || item->role == TensorRole::State
                   ? ", begins as "
                   : ": ") +
              textOf(declaration.value.get());
      }
      if (declaration.condition)
        text += ", when " + textOf(declaration.condition.get());
      auto name = [](const Name &target) { return target.text; };
      facts.add(llvm::join(llvm::map_range(declaration.targets, name), ", "), text);
      if (item->role == TensorRole::Param && !item->shared && declaration.type && declaration.type->axes)
        counts.push_back(sizeText(*declaration.type->axes));
    }
  if (!counts.empty() && definition.kind == DefinitionKind::Adapter)
    facts.add("trained at a site", llvm::join(counts, " + "));
  return facts;
}

static void addEquation(const Equation &equation, Facts &facts) {
  auto name = [](const Name &target) { return target.text; };
  std::string left = llvm::join(llvm::map_range(equation.targets, name), ", ");
  if (equation.arguments)
    left += "(" + llvm::join(llvm::map_range(*equation.arguments, name), ", ") + ")";
  std::string right = textOf(equation.value.get());
  for (const Equation &local : equation.where)
    right += (&local == &equation.where.front() ? " where " : ", ") + sourceText(local.range);
  facts.add(left, right);
}

static Facts describeFormulas(const Definition &definition) {
  Facts facts{"computes", {}};
  for (const EquationItem *item : itemsOf<EquationItem>(definition.body))
    addEquation(item->equation, facts);
  for (const RebaseItem *item : itemsOf<RebaseItem>(definition.body))
    facts.add("rebase " + item->name.text, textOf(item->value.get()));
  if (definition.value)
    facts.add("value", textOf(definition.value.get()));
  for (const Equation &local : definition.where)
    addEquation(local, facts);
  return facts;
}

static Facts describeMerge(const Definition &definition, Definitions &definitions, const ParameterValues &values) {
  Facts facts{"merge", {}};
  if (definition.kind != DefinitionKind::Adapter)
    return facts;
  std::optional<MergeFormula> formula = mergeFormula(definition);
  bool hasWeight =
      definition.site && (definition.site->name.text == "linear" || definition.site->name.text == "embedding");
  MergeTrial trial = formula && hasWeight ? tryMerge(definitions, definition, values) : MergeTrial{};
  if (!formula) {
    facts.add("nothing to do", "the site's own tensors are trained");
  } else if (!trial.reason.empty()) {
    facts.add("unmergeable", trial.reason);
  } else if (!formula->reason.empty() && (formula->affine || trial.merges)) {
    facts.add("no formula", formula->affine ? formula->reason : "affine all the same: it is merged");
  } else if (!formula->reason.empty()) {
    std::string line = formula->at.isValid() ? " at " + definitions.lineOf(formula->at) : "";
    facts.add("unmergeable", formula->reason + line + " makes '" + definition.name.text +
                                 "' unmergeable: save it as an adapter, or serve it unmerged");
  } else {
    facts.add("W'", formula->weight);
    if (!formula->bias.empty())
      facts.add("bias'", formula->bias);
  }
  return facts;
}

static Facts describeFiles(const Definition &definition) {
  Facts facts{"files", {}};
  for (const FilesItem *item : itemsOf<FilesItem>(definition.body)) {
    facts.add(item->clause.text, item->type.text);
    for (const FilesItem::Key &key : item->keys)
      facts.add(key.name.text, textOf(key.value.get()));
    for (const FilesItem::Tensor &tensor : item->tensors)
      facts.add(tensor.name.text, "\"" + llvm::join(tensor.fileNames, "\", \"") + "\"" +
                                      (tensor.shape ? " as " + textOf(tensor.shape) : std::string()) +
                                      (tensor.condition ? " when " + textOf(tensor.condition.get()) : std::string()) +
                                      (tensor.optional ? " optional" : ""));
  }
  return facts;
}

/// What its text says of a definition, in order; what follows from it comes after that, and files last.
static constexpr Facts (*parts[])(const Definition &) = {describeParameters, describeConfiguration, describeDimensions,
                                                         describeParts,      describeTensors,       describeFormulas};

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

/// The comment right above a definition.
static std::vector<std::string> commentOf(const Definition &definition, const llvm::MemoryBuffer &buffer) {
  const char *begin = buffer.getBufferStart();
  StringRef before(begin, size_t(definition.range.Start.getPointer() - begin));
  before = before.take_front(before.rfind('\n') == StringRef::npos ? 0 : before.rfind('\n'));
  std::vector<std::string> lines;
  while (!before.empty()) {
    StringRef line = before.drop_front(before.rfind('\n') + 1).trim();
    if (!line.consume_front("//"))
      break;
    lines.push_back(line.trim().str());
    before = before.take_front(before.rfind('\n') == StringRef::npos ? 0 : before.rfind('\n'));
  }
  return {lines.rbegin(), lines.rend()};
}

static void print(const Facts &facts) {
  if (facts.lines.empty())
    return;
  llvm::outs() << "\n" << facts.heading << "\n";
  for (const auto &[what, text] : facts.lines)
    llvm::outs() << "  " << llvm::left_justify(what, 20) << " " << text << "\n";
}

static void print(const Definition &definition, Definitions &definitions, const ParameterValues &values) {
  llvm::raw_ostream &out = llvm::outs();
  out << kindName(definition.kind) << " " << definition.name.text;
  if (definition.site)
    out << " on " << definition.site->name.text << textOf(definition.site->axes);
  if (definition.each)
    out << " each " << definition.each->name.text << textOf(definition.each->axes);
  out << textOf(definition.axes) << "\n";
  unsigned buffer = definitions.sources().FindBufferContainingLoc(definition.range.Start);
  for (const std::string &line : commentOf(definition, *definitions.sources().getMemoryBuffer(buffer)))
    out << "  " << line << "\n";
  for (auto *part : parts)
    print(part(definition));
  print(describeMerge(definition, definitions, values));
  print(describeProofs(definitions, definition, values));
  print(describeCosts(definitions, definition, values));
  print(describeFiles(definition));
}

/// Whether two definitions are other methods for one kind of site.
static bool mayShareSite(const Definition &a, const Definition &b) {
  return a.name.text != b.name.text && a.site && b.site && a.site->name.text == b.site->name.text;
}

/// Each pair of different adapters for one kind of site among those that the command line names.
static void printPairs(Definitions &definitions, llvm::ArrayRef<const Definition *> adapters,
                       const ParameterValues &values) {
  for (size_t i = 0; i < adapters.size(); ++i)
    for (size_t j = i + 1; j < adapters.size(); ++j)
      if (mayShareSite(*adapters[i], *adapters[j]))
        llvm::outs() << "\n"
                     << adapters[i]->name.text << " and " << adapters[j]->name.text
                     << " on one site: " << describeCommutator(definitions, *adapters[i], *adapters[j], values) << "\n";
}

static int describe(const char *argv0) {
  if (subjects.empty()) {
    llvm::errs() << "ftc: error: nothing to describe; usage: ftc describe NAME | FILE.ftr ... [-D name=value]...\n";
    return WrongUsage;
  }
  std::map<std::string, std::string> texts;
  for (StringRef define : defines)
    texts[define.split('=').first.str()] = define.split('=').second.str();
  ParameterValues values = valuesOf(texts);
  Definitions definitions(std::vector<std::string>(subjects.begin(), subjects.end()), argv0);
  if (definitions.status() != Success)
    return definitions.status();
  std::vector<const Definition *> adapters;
  for (const Definition *definition : definitions.all()) {
    if (definition != definitions.all().front())
      llvm::outs() << "\n";
    print(*definition, definitions, values);
    if (subjects.size() > 1 && definition->kind == DefinitionKind::Adapter)
      adapters.push_back(definition);
  }
  printPairs(definitions, adapters, values);
  return Success;
}
