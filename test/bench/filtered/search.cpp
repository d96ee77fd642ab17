#include <chrono>
#include <limits>
#include <map>
#include <memory>

#include "../server/rows.hpp"
#include "cases.hpp"
#include "clusters.hpp"
#include "modes.hpp"

namespace medvec::bench {
namespace {

constexpr size_t kLeast = 30;      // queries asked of each contender at least
constexpr size_t kExplained = 10;  // statements whose buffers EXPLAIN counts
constexpr size_t kTogether = 10;   // queries of a LATERAL statement
constexpr double kInfinite = std::numeric_limits<double>::infinity();

using Mask = std::vector<bool>;

// What a query of a case is to give; distances are of data.hpp.
struct Truth {
  std::string parameter, literal;  // $2: in binary form, and in SQL; empty where there is none
  const Mask* mask = nullptr;      // of the rows that the filter lets through; null: all
  double radius = kInfinite;
  size_t wanted = 0, qualifying = 0;
  double limit = kInfinite;  // the distance of the last one wanted: whoever is as near is right too

  bool Qualifies(size_t row, double distance) const { return (!mask || (*mask)[row]) && distance < radius; }
};

std::string Text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string VectorLiteral(const Set& set, size_t query) {
  std::string text = "'[";
  for (size_t d = 0; d < set.dim; ++d) text += Text(set.Query(query)[d]) += ',';
  text.back() = ']';
  return text += '\'';
}

double ServerDistance(Metric metric, double distance) {
  return metric == Metric::kL2 ? std::sqrt(distance) : metric == Metric::kCosine ? distance / 2 : distance;
}

// A distance with about 100 rows within it, in the middle of the widest gap near there, so that rounding decides
// nothing.
double Radius(const Set& set, size_t query) {
  std::vector<double> all(set.count);
  for (size_t i = 0; i < set.count; ++i) all[i] = Distance(set, set.count + query, i);
  const size_t first = std::min<size_t>(80, set.count / 2), last = std::min<size_t>(120, set.count - 1);
  std::partial_sort(all.begin(), all.begin() + static_cast<long>(last) + 1, all.end());
  size_t widest = first;
  for (size_t i = first; i < last; ++i)
    if (all[i + 1] - all[i] > all[widest + 1] - all[widest]) widest = i;
  return (all[widest] + all[widest + 1]) / 2;
}

// The exact answers. Which rows a filter lets through is what the server says, by any plan without an order.
class Oracle {
 public:
  Oracle(const Set& set, const Options& options)
      : set_(set), clusters_(FindClusters(set, kClusters)), table_(options.table), connection_(options.database) {
    for (size_t q = 0; q < set.queries; ++q) radii_.push_back(Radius(set, q));
  }

  std::vector<Truth> Answer(const Case& question) {
    masks_.clear();
    if (!question.filter.empty()) connection_.Prepare(question.name, question.Filter(table_));
    std::vector<Truth> truths(set_.queries);
    for (size_t q = 0; q < set_.queries; ++q) Answer(question, q, &truths[q]);
    return truths;
  }

 private:
  void Answer(const Case& question, size_t q, Truth* truth) {
    SetParameter(question.parameter, q, truth);
    if (!question.filter.empty()) truth->mask = MaskOf(question, truth->parameter);
    std::vector<double> distances;
    for (size_t i = 0; i < set_.count; ++i) {
      if (truth->mask && !(*truth->mask)[i]) continue;
      const double distance = Distance(set_, set_.count + q, i);
      if (truth->Qualifies(i, distance)) distances.push_back(distance);
    }
    truth->qualifying = truth->wanted = distances.size();
    if (question.limit == 0 || distances.empty()) return;
    truth->wanted = std::min(question.limit, distances.size());
    const auto last = distances.begin() + static_cast<long>(truth->wanted) - 1;
    std::nth_element(distances.begin(), last, distances.end());
    truth->limit = *last + std::abs(*last) * 1e-6 + 1e-12;
  }

  void SetParameter(Parameter parameter, size_t q, Truth* truth) {
    if (parameter == Parameter::kNone) return;
    if (parameter == Parameter::kRadius) {
      truth->radius = radii_[q];
      const double radius = ServerDistance(set_.metric, radii_[q]);
      truth->parameter = BinaryDouble(radius), truth->literal = Text(radius);
      return;
    }
    const std::vector<int32_t> near = clusters_.ByDistance(set_, q);
    if (parameter == Parameter::kFarThree) {
      const std::vector<int32_t> far(near.end() - static_cast<long>(std::min<size_t>(3, near.size())), near.end());
      truth->parameter = BinaryInts(far);
      for (const int32_t cluster : far)
        truth->literal += (truth->literal.empty() ? "'{" : ",") + std::to_string(cluster);
      truth->literal += "}'";
      return;
    }
    const int32_t cluster = parameter == Parameter::kNearest ? near.front() : near.back();
    truth->parameter = BinaryInt(cluster), truth->literal = std::to_string(cluster);
  }

  const Mask* MaskOf(const Case& question, std::string parameter) {
    if (question.parameter == Parameter::kRadius) parameter.clear();  // no part of the filter
    const auto [found, fresh] = masks_.try_emplace(parameter);
    if (fresh) {
      found->second.resize(set_.count);
      const Result ids =
          connection_.Execute(question.name, parameter.empty() ? std::vector<std::string>{} : std::vector{parameter});
      for (int i = 0; i < PQntuples(ids.get()); ++i)
        found->second[static_cast<size_t>(IntOf(PQgetvalue(ids.get(), i, 0)))] = true;
    }
    return &found->second;
  }

  const Set& set_;
  Clusters clusters_;
  std::string table_;
  Connection connection_;
  std::vector<double> radii_;
  std::map<std::string, Mask> masks_;  // of the case being answered, by parameter
};

// A contender's answers to a case.
struct Measured {
  std::string plan, as;                 // `as`: the contender with the same plan, whose figures these are
  std::vector<std::vector<float>> cpu;  // microseconds a query, of each statement the rounds
  double hits = 0;                      // shared buffers a query
  size_t asked = 0, wanted = 0, right = 0, wrong = 0, unfilled = 0, disordered = 0;
};

class Asker {
 public:
  Asker(const Set& set, const Options& options, const Contender& contender)
      : set_(set), options_(options), contender_(contender), connection_(contender.database) {
    connection_.ShareProcessor();
    connection_.Do("SET client_min_messages = warning");
    connection_.Do("SET jit = off; SET max_parallel_workers_per_gather = 0; SET plan_cache_mode = force_generic_plan");
  }

  const Contender& contender() const { return contender_; }

  // Prepares the case, and says how it is planned.
  std::string Plan(const Case& question, const std::vector<Truth>& truths) {
    Enter();
    const std::string operation = std::string(" ") + OperatorOf(set_.metric) + (question.together > 1 ? " q.v" : " $1");
    const std::string distance = "e.v" + operation;
    connection_.Prepare(question.name,
                        question.Statement(options_.table, contender_.exact ? "((" + distance + ") + 0)" : distance));
    const Result lines = connection_.Do("EXPLAIN (COSTS OFF) " + Call(question, truths, 0));
    std::string plan;
    for (int i = 0; i < PQntuples(lines.get()); ++i)
      plan += std::string(i > 0 ? "\n" : "") + PQgetvalue(lines.get(), i, 0);
    return plan;
  }

  void CountBuffers(const Case& question, const std::vector<Truth>& truths, Measured* measured) {
    Enter();
    const size_t explained = std::min(kExplained, set_.queries / question.together);
    for (size_t s = 0; s < explained; ++s) {
      const std::string plan = PQgetvalue(
          connection_.Do("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + Call(question, truths, s)).get(), 0,
          0);
      measured->hits += (NumberAfter(plan, "\"Shared Hit Blocks\":") + NumberAfter(plan, "\"Shared Read Blocks\":")) /
                        static_cast<double>(explained * question.together);
    }
  }

  // All queries, or as many as the time allows; the answers of the first round are judged.
  void Ask(const Case& question, const std::vector<Truth>& truths, Measured* measured) {
    Enter();
    const size_t statements = set_.queries / question.together;
    const bool first = measured->cpu.empty();
    if (first) measured->cpu.resize(statements);
    connection_.Execute(question.name, Parameters(question, truths, 0));  // plans, and warms the caches
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options_.seconds);
    for (size_t s = 0; s < (first ? statements : measured->asked / question.together); ++s) {
      if (first && s * question.together >= kLeast && std::chrono::steady_clock::now() > end) break;
      const auto parameters = Parameters(question, truths, s);
      const double start = connection_.Cpu();
      const Result result = connection_.Execute(question.name, parameters);
      measured->cpu[s].push_back(
          static_cast<float>((connection_.Cpu() - start) * 1e6 / static_cast<double>(question.together)));
      if (!first) continue;
      measured->asked += question.together;
      Judge(question, truths, s, result.get(), measured);
    }
  }

 private:
  void Enter() {
    if (!contender_.hnsw.empty()) connection_.Do(contender_.hnsw);
    if (!contender_.settings.empty()) connection_.Do(contender_.settings);
  }

  std::vector<std::string> Parameters(const Case& question, const std::vector<Truth>& truths, size_t statement) const {
    if (question.together > 1) return {BinaryInt(static_cast<int32_t>(statement * question.together))};
    std::vector<std::string> parameters = {Binary(set_, set_.count + statement)};
    if (!truths[statement].parameter.empty()) parameters.push_back(truths[statement].parameter);
    return parameters;
  }

  std::string Call(const Case& question, const std::vector<Truth>& truths, size_t statement) const {
    const std::string call = "EXECUTE \"" + question.name + "\"(";
    if (question.together > 1) return call + std::to_string(statement * question.together) + ")";
    const std::string& literal = truths[statement].literal;
    return call + VectorLiteral(set_, statement) + (literal.empty() ? "" : ", " + literal) + ")";
  }

  void Judge(const Case& question, const std::vector<Truth>& truths, size_t statement, const PGresult* result,
             Measured* measured) const {
    if (question.counts) {
      const auto count = static_cast<size_t>(BigintOf(PQgetvalue(result, 0, 0))), wanted = truths[statement].wanted;
      measured->wanted += wanted;
      measured->right += std::min(count, wanted);
      measured->wrong += count > wanted ? count - wanted : 0;
      return;
    }
    std::vector<std::vector<size_t>> found(question.together);
    for (int i = 0; i < PQntuples(result); ++i) {
      const auto number = [&](int column) { return static_cast<size_t>(IntOf(PQgetvalue(result, i, column))); };
      if (question.together > 1)
        found[number(0) - statement * question.together].push_back(number(1));
      else
        found[0].push_back(number(0));
    }
    for (size_t q = 0; q < question.together; ++q) {
      const size_t query = statement * question.together + q;
      const Truth& truth = truths[query];
      const size_t given = found[q].size();
      std::vector<double> distances;
      for (const size_t row : found[q]) distances.push_back(Distance(set_, set_.count + query, row));
      // A small cosine distance is what two numbers near 1 differ by, which the server may round otherwise.
      constexpr double kRelative = 1e-6, kAbsolute = 1e-7;
      bool ordered = true;
      for (size_t i = 0; i + 1 < given; ++i) ordered &= distances[i] <= distances[i + 1] * (1 + kRelative) + kAbsolute;
      if (question.statement.find("ORDER BY") != std::string::npos && !ordered) ++measured->disordered;
      std::sort(found[q].begin(), found[q].end());
      const size_t repeated = static_cast<size_t>(found[q].end() - std::unique(found[q].begin(), found[q].end()));
      measured->wanted += truth.wanted;
      measured->wrong += repeated;
      measured->unfilled += question.limit > 0 && given < truth.wanted;
      for (size_t i = 0; i < given - repeated; ++i) {
        const double distance = Distance(set_, set_.count + query, found[q][i]);
        measured->wrong += !truth.Qualifies(found[q][i], distance);
        measured->right += truth.Qualifies(found[q][i], distance) && distance <= truth.limit;
      }
    }
  }

  const Set& set_;
  const Options& options_;
  const Contender& contender_;
  Connection connection_;
};

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text)
    quoted += c == '\n' ? "\\n" : c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "\"";
}

bool UsesHnsw(const std::string& plan) {
  return plan.find("hnsw") != std::string::npos || plan.find("HNSW") != std::string::npos;
}

void Print(const std::string& name, const Measured& measured, bool last) {
  std::printf("    {\"contender\": %s, \"plan\": %s, ", Quoted(name).c_str(), Quoted(measured.plan).c_str());
  if (!measured.as.empty()) {
    std::printf("\"as\": %s}%s\n", Quoted(measured.as).c_str(), last ? "" : ",");
    return;
  }
  std::vector<float> cpu;
  double sum = 0;
  for (const auto& rounds : measured.cpu)
    if (!rounds.empty()) cpu.push_back(Quantile(rounds, .5)), sum += cpu.back();
  const double asked = static_cast<double>(measured.asked);
  std::printf("\"asked\": %zu, \"recall\": %.4f, \"unfilled\": %.4f, \"wrong\": %zu, \"disordered\": %zu, ",
              measured.asked,
              measured.wanted == 0 ? 1 : static_cast<double>(measured.right) / static_cast<double>(measured.wanted),
              static_cast<double>(measured.unfilled) / asked, measured.wrong, measured.disordered);
  std::printf("\"cpu_us\": %.1f, \"cpu_median_us\": %.1f, \"cpu_p95_us\": %.1f, \"hits\": %.1f}%s\n",
              sum / static_cast<double>(cpu.size()), static_cast<double>(Quantile(cpu, .5)),
              static_cast<double>(Quantile(cpu, .95)), measured.hits, last ? "" : ",");
}

// Contenders whose plans are the same are measured once, unless settings of the scan make a difference.
void Compare(const Case& question, const std::vector<Truth>& truths, const std::vector<std::unique_ptr<Asker>>& askers,
             size_t rounds) {
  std::vector<Measured> measured(askers.size());
  std::map<std::string, std::string> by_plan;
  for (size_t c = 0; c < askers.size(); ++c) {
    const Contender& contender = askers[c]->contender();
    measured[c].plan = askers[c]->Plan(question, truths);
    const std::string key =
        contender.database + "\n" + (UsesHnsw(measured[c].plan) ? contender.hnsw : "") + "\n" + measured[c].plan;
    const auto [same, fresh] = by_plan.try_emplace(key, contender.name);
    if (!fresh)
      measured[c].as = same->second;
    else
      askers[c]->CountBuffers(question, truths, &measured[c]);
  }
  for (size_t round = 0; round < rounds; ++round)
    for (size_t i = 0; i < askers.size(); ++i) {
      const size_t c = (i + round) % askers.size();
      if (measured[c].as.empty()) askers[c]->Ask(question, truths, &measured[c]);
    }
  for (size_t c = 0; c < askers.size(); ++c) Print(askers[c]->contender().name, measured[c], c + 1 == askers.size());
}

}  // namespace

void Search(const Options& options) {
  const Set set = LoadRows(options.path, options.type, options.metric, options.rows, options.queries);
  Oracle oracle(set, options);
  std::vector<std::unique_ptr<Asker>> askers;
  for (const Contender& contender : options.contenders)
    askers.push_back(std::make_unique<Asker>(set, options, contender));
  std::printf("{\"set\": \"%s\", \"rows\": %zu, \"dim\": %zu, \"queries\": %zu, \"rounds\": %zu, \"cases\": [\n",
              set.name.c_str(), set.count, set.dim, set.queries, options.rounds);
  const char* separator = "";
  for (const Case& question : Cases(set.metric, kTogether)) {
    if (!options.cases.empty() &&
        std::find(options.cases.begin(), options.cases.end(), question.name) == options.cases.end())
      continue;
    std::fprintf(stderr, "%s\n", question.name.c_str());
    const std::vector<Truth> truths = oracle.Answer(question);
    double qualifying = 0;
    for (const Truth& truth : truths) qualifying += static_cast<double>(truth.qualifying);
    std::printf("%s  {\"name\": %s, \"condition\": %s, \"limit\": %zu, \"qualifying\": %.1f, \"contenders\": [\n",
                separator, Quoted(question.name).c_str(), Quoted(question.condition).c_str(), question.limit,
                qualifying / static_cast<double>(set.queries));
    Compare(question, truths, askers, options.rounds);
    std::printf("  ]}");
    std::fflush(stdout);
    separator = ",\n";
  }
  std::printf("\n]}\n");
}

}  // namespace medvec::bench
