#include "cases.hpp"

#include "../server/rows.hpp"

namespace medvec::bench {
namespace {

std::string Replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

// The README's question, on the tables of clinical.sql: about 2 % of the images.
const char* const kJoin =
    " JOIN image_occurrence i USING (image_occurrence_id) JOIN visit_occurrence o USING (visit_occurrence_id)"
    " JOIN person p ON p.person_id = i.person_id";
const char* const kJoinCondition =
    "p.gender = 'F' AND o.age_at_visit > 55 AND EXISTS (SELECT FROM condition_occurrence c"
    " WHERE c.visit_occurrence_id = o.visit_occurrence_id AND c.condition_source_value = 'Effusion')";

// `condition` has {p} for the parameter.
Case Nearest(std::string name, std::string condition, Parameter parameter = Parameter::kNone,
             const std::string& join = "") {
  const std::string from = "SELECT e.id FROM {t} e" + join + (condition.empty() ? "" : " WHERE " + condition);
  return {.name = std::move(name),
          .condition = condition,
          .statement = Replaced(from, "{p}", "$2") + " ORDER BY {d} LIMIT 10",
          .filter = condition.empty() ? "" : Replaced(from, "{p}", "$1"),
          .parameter = parameter};
}

Case Within(std::string name, std::string condition, size_t limit, bool ordered) {
  const std::string also = condition.empty() ? "" : " AND " + condition;
  return {.name = std::move(name),
          .condition = "v <-> q < r" + also + (ordered ? " ORDER BY" : "") + (limit > 0 ? " LIMIT 10" : ""),
          .statement = "SELECT e.id FROM {t} e WHERE {d} < $2" + also + (ordered ? " ORDER BY {d}" : "") +
                       (limit > 0 ? " LIMIT 10" : ""),
          .filter = condition.empty() ? "" : "SELECT e.id FROM {t} e WHERE " + condition,
          .parameter = Parameter::kRadius,
          .limit = limit};
}

}  // namespace

std::string Case::Statement(const std::string& table, const std::string& distance) const {
  return Replaced(Replaced(statement, "{t}", table), "{d}", distance);
}

std::string Case::Filter(const std::string& table) const { return Replaced(filter, "{t}", table); }

std::vector<Case> Cases(Metric metric, size_t together) {
  std::vector<Case> cases = {
      Nearest("nothing", "false"),
      Nearest("unfiltered", ""),
      Nearest("random_50", "r < 5000"),
      Nearest("random_10", "r < 1000"),
      Nearest("random_1", "r < 100"),
      Nearest("random_0.1", "r < 10"),
      Nearest("random_0.01", "r < 1"),
      Nearest("near", "cluster = {p}", Parameter::kNearest),
      Nearest("far", "cluster = {p}", Parameter::kFarthest),
      Nearest("far_any", "cluster = ANY ({p})", Parameter::kFarThree),
      Nearest("far_random_10", "cluster = {p} AND r < 1000", Parameter::kFarthest),
      Nearest("age_range", "age BETWEEN 60 AND 70"),
      Nearest("age_old", "age > 80"),
      Nearest("gender_view", "gender = 'F' AND view_position = 'AP'"),
      Nearest("findings", "findings && '{Edema,Pneumonia}'"),
      Nearest("or", "(age < 10 OR findings @> '{Hernia}')"),
      Nearest("join_2", kJoinCondition, Parameter::kNone, kJoin),
      Within("within", "", 0, false),
      Within("within_ordered", "", 0, true),
      Within("within_limit", "", 10, true),
      Within("within_age", "age > 40", 0, false),
  };
  Case count = Within("within_count", "", 0, false);
  count.statement = "SELECT count(*) FROM {t} e WHERE {d} < $2";
  count.condition = "count(*) of v <-> q < r";
  count.counts = true;
  cases.push_back(count);
  for (const char* condition : {"", "r < 100"}) {
    Case lateral = Nearest(*condition == '\0' ? "lateral" : "lateral_1", condition);
    const std::string order = std::string("e.v ") + OperatorOf(metric) + " q.v";
    lateral.statement = "SELECT q.n, x.id FROM {t}_queries q CROSS JOIN LATERAL (SELECT e.id FROM {t} e " +
                        (*condition == '\0' ? std::string() : std::string("WHERE ") + condition) +
                        " ORDER BY {d} LIMIT 10) x "
                        "WHERE q.n >= $1 AND q.n < $1 + " +
                        std::to_string(together);
    lateral.condition = std::to_string(together) + " queries by LATERAL" + (*condition == '\0' ? "" : ", ") + condition;
    lateral.together = together;
    cases.push_back(lateral);
  }
  return cases;
}

}  // namespace medvec::bench
