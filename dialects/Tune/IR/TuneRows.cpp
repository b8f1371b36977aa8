//===- TuneRows.cpp - tune.rows: accessors, builder, assembly, canonicalization --------===//

#include "dialects/Tune/IR/Tune.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace ftc::tune;

int64_t RowsOp::getNumRows() { return cast<RankedTensorType>(getSliced().front().getType()).getDimSize(0); }

int64_t RowsOp::getTrips() { return getNumRows() / int64_t(getChunk()); }

YieldOp RowsOp::getYield() { return cast<YieldOp>(getBody()->getTerminator()); }

unsigned RowsOp::getNumSlicedResults() { return getYield().getSliced().size(); }

/// The type of `chunk` rows of `operand`.
static RankedTensorType chunkType(Type operand, int64_t chunk) {
  auto tensor = cast<RankedTensorType>(operand);
  SmallVector<int64_t> shape(tensor.getShape());
  if (!shape.empty())
    shape.front() = chunk;
  return tensor.clone(shape);
}

void RowsOp::build(OpBuilder &builder, OperationState &state, TypeRange results, ValueRange sliced, ValueRange shared,
                   int64_t chunk) {
  state.addOperands(sliced);
  state.addOperands(shared);
  state.addTypes(results);
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.operandSegmentSizes = {int32_t(sliced.size()), int32_t(shared.size())};
  properties.setChunk(builder.getI64IntegerAttr(chunk));
  Block &body = state.addRegion()->emplaceBlock();
  for (Value operand : sliced)
    body.addArgument(chunkType(operand.getType(), chunk), operand.getLoc());
  for (Value operand : shared)
    body.addArgument(operand.getType(), operand.getLoc());
}

//===----------------------------------------------------------------------===//
// tune.rows (%a = %x : type, ...) shared (%b = %y : type, ...) chunk n -> (types) { body }
//===----------------------------------------------------------------------===//

namespace {
/// Operands of one parenthesised list with their types and the names of the body's arguments.
struct Bindings {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;

  ParseResult parse(OpAsmParser &parser) {
    return parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, [&]() -> ParseResult {
      RankedTensorType type;
      if (parser.parseArgument(arguments.emplace_back()) || parser.parseEqual() ||
          parser.parseOperand(operands.emplace_back()) || parser.parseColonType(type))
        return failure();
      types.push_back(type);
      return success();
    });
  }
};
} // namespace

ParseResult RowsOp::parse(OpAsmParser &parser, OperationState &state) {
  Bindings sliced, shared;
  int64_t chunk = 0;
  SMLoc place = parser.getCurrentLocation();
  if (sliced.parse(parser) || (succeeded(parser.parseOptionalKeyword("shared")) && shared.parse(parser)) ||
      parser.parseKeyword("chunk") || parser.parseInteger(chunk) || parser.parseOptionalArrowTypeList(state.types) ||
      parser.parseOptionalAttrDictWithKeyword(state.attributes) ||
      parser.resolveOperands(sliced.operands, sliced.types, place, state.operands) ||
      parser.resolveOperands(shared.operands, shared.types, place, state.operands))
    return failure();
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.operandSegmentSizes = {int32_t(sliced.operands.size()), int32_t(shared.operands.size())};
  properties.setChunk(parser.getBuilder().getI64IntegerAttr(chunk));
  SmallVector<OpAsmParser::Argument> arguments;
  for (auto [argument, type] : llvm::zip(sliced.arguments, sliced.types)) {
    argument.type = chunkType(type, chunk);
    arguments.push_back(argument);
  }
  for (auto [argument, type] : llvm::zip(shared.arguments, shared.types)) {
    argument.type = type;
    arguments.push_back(argument);
  }
  Region *body = state.addRegion();
  if (parser.parseRegion(*body, arguments))
    return failure();
  ensureTerminator(*body, parser.getBuilder(), state.location);
  return success();
}

void RowsOp::print(OpAsmPrinter &printer) {
  auto printBindings = [&](ValueRange arguments, ValueRange operands) {
    printer << " (";
    llvm::interleaveComma(llvm::zip(arguments, operands), printer, [&](auto binding) {
      auto [argument, operand] = binding;
      printer << argument << " = " << operand << " : " << operand.getType();
    });
    printer << ')';
  };
  printBindings(getSlicedArguments(), getSliced());
  if (!getShared().empty()) {
    printer << " shared";
    printBindings(getSharedArguments(), getShared());
  }
  printer << " chunk " << getChunk();
  printer.printOptionalArrowTypeList(getResultTypes());
  printer.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {getOperandSegmentSizesAttrName(), getChunkAttrName()});
  printer << ' ';
  printer.printRegion(getBodyRegion(), /*printEntryBlockArgs=*/false);
}

//===----------------------------------------------------------------------===//
// Canonicalization
//===----------------------------------------------------------------------===//

namespace {
/// Removes operands and results that nothing uses, and operands given twice.
struct DropUnusedBindings : OpRewritePattern<RowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RowsOp op, PatternRewriter &rewriter) const override {
    BitVector deadArguments = findDeadArguments(op, rewriter);
    BitVector deadResults(op.getNumResults());
    for (OpResult result : op.getResults())
      deadResults[result.getResultNumber()] = result.use_empty();
    if (deadResults.all() || (deadArguments.none() && deadResults.none()))
      return rewriter.notifyMatchFailure(op, "every operand and result is used");
    SmallVector<Value> sliced, shared;
    for (auto [number, operand] : llvm::enumerate(op->getOperands()))
      if (!deadArguments[number])
        (number < op.getSliced().size() ? sliced : shared).push_back(operand);
    SmallVector<Value> results, yieldSliced, yieldSummed;
    SmallVector<Type> types;
    for (auto [number, value] : llvm::enumerate(op.getYield()->getOperands()))
      if (!deadResults[number]) {
        (number < op.getNumSlicedResults() ? yieldSliced : yieldSummed).push_back(value);
        results.push_back(op.getResult(number));
        types.push_back(op.getResult(number).getType());
      }
    rewriter.setInsertionPoint(op.getYield());
    rewriter.replaceOpWithNewOp<YieldOp>(op.getYield(), yieldSliced, yieldSummed);
    rewriter.setInsertionPoint(op);
    auto smaller = RowsOp::create(rewriter, op.getLoc(), types, sliced, shared, op.getChunk());
    rewriter.modifyOpInPlace(op, [&] { op.getBody()->eraseArguments(deadArguments); });
    rewriter.inlineBlockBefore(op.getBody(), smaller.getBody(), smaller.getBody()->end(),
                               smaller.getBody()->getArguments());
    for (auto [result, replacement] : llvm::zip(results, smaller.getResults()))
      rewriter.replaceAllUsesWith(result, replacement);
    rewriter.eraseOp(op);
    return success();
  }

private:
  /// Arguments that are unused, or stand for an operand of the same role that came before (uses are moved to that one).
  /// The first sliced argument stays: it gives the number of rows.
  static BitVector findDeadArguments(RowsOp op, PatternRewriter &rewriter) {
    BitVector dead(op->getNumOperands());
    unsigned numSliced = op.getSliced().size();
    for (unsigned number = 0; number < dead.size(); ++number) {
      for (unsigned earlier = number < numSliced ? 0 : numSliced; earlier < number; ++earlier)
        if (op->getOperand(earlier) == op->getOperand(number) && !dead[earlier])
          rewriter.replaceAllUsesWith(op.getBody()->getArgument(number), op.getBody()->getArgument(earlier));
      dead[number] = number > 0 && op.getBody()->getArgument(number).use_empty();
    }
    return dead;
  }
};

/// Moves constants with equal entries into the body.
struct SinkConstants : OpRewritePattern<RowsOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(RowsOp op, PatternRewriter &rewriter) const override {
    bool changed = false;
    for (auto [operand, argument] : llvm::zip(op->getOperands(), op.getBody()->getArguments())) {
      SplatElementsAttr constant;
      if (argument.use_empty() || !matchPattern(operand, m_Constant(&constant)))
        continue;
      rewriter.setInsertionPointToStart(op.getBody());
      auto type = cast<RankedTensorType>(argument.getType());
      Value inside = arith::ConstantOp::create(rewriter, operand.getLoc(), constant.resizeSplat(type));
      rewriter.replaceAllUsesWith(argument, inside);
      changed = true;
    }
    return changed ? success() : rewriter.notifyMatchFailure(op, "no operand is a constant with equal entries");
  }
};
} // namespace

void RowsOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<DropUnusedBindings, SinkConstants>(context);
}
