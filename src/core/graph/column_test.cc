#include "core/graph/column.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <thread>

#include "core/graph/names.h"

namespace weir {

TEST(Column, CopiesAreIndependent) {
  Column<int> a;
  for (int i = 0; i < 100'000; ++i) a.push_back(i);
  Column<int> b = a;
  b.mutate(77'777) = -1;
  b.push_back(5);
  EXPECT_EQ(a[77'777], 77'777);
  EXPECT_EQ(b[77'777], -1);
  EXPECT_EQ(a.size(), 100'000u);
  EXPECT_EQ(b[100'000], 5);
}

TEST(Column, ScanSeesEachRowOnceInOrder) {
  Column<int> a;
  for (int i = 0; i < 1000; ++i) a.push_back(i);
  int next = 3;
  a.scan(3, 999, [&](size_t first, std::span<const int> rows) {
    EXPECT_EQ(static_cast<int>(first), next);
    for (const int row : rows) EXPECT_EQ(row, next++);
  });
  EXPECT_EQ(next, 999);
}

RC_GTEST_PROP(Column, BehavesLikeVectorsThatAreCopied, (std::vector<std::pair<uint8_t, int>> steps)) {
  std::vector<Column<int>> columns(1);
  std::vector<std::vector<int>> models(1);
  for (const auto& [where, value] : steps) {
    const size_t k = where % columns.size();
    if (where % 3 == 0 || models[k].empty()) {
      columns[k].push_back(value);
      models[k].push_back(value);
    } else if (where % 3 == 1) {
      const size_t i = static_cast<size_t>(static_cast<unsigned>(value)) % models[k].size();
      columns[k].mutate(i) = value;
      models[k][i] = value;
    } else {
      columns.push_back(columns[k]);
      models.push_back(std::vector<int>(models[k]));
    }
  }
  for (size_t k = 0; k < columns.size(); ++k) {
    RC_ASSERT(columns[k].size() == models[k].size());
    for (size_t i = 0; i < models[k].size(); ++i) RC_ASSERT(columns[k][i] == models[k][i]);
  }
}

TEST(Column, ReadersOfSnapshotsDoNotSeeTheWriter) {
  Column<int> head;
  for (int i = 0; i < 5000; ++i) head.push_back(0);
  std::vector<std::thread> readers;
  for (int round = 1; round <= 50; ++round) {
    for (size_t i = 0; i < head.size(); i += 7) head.mutate(i) = round;
    if (readers.size() == 4) {
      readers.front().join();
      readers.erase(readers.begin());
    }
    readers.emplace_back([snapshot = head, round] {
      for (size_t i = 0; i < snapshot.size(); i += 7) ASSERT_EQ(snapshot[i], round);
    });
  }
  for (auto& reader : readers) reader.join();
}

TEST(NameIndex, FindsEveryNameAndNoOther) {
  NameIndex names;
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(names.add("site-" + std::to_string(i)), static_cast<uint32_t>(i));
  const NameIndex before = names;
  names.add("later");
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(names.find("site-" + std::to_string(i)), static_cast<uint32_t>(i));
  EXPECT_EQ(names.find("site-5000"), Id<void>::kNone);
  EXPECT_EQ(before.find("later"), Id<void>::kNone);
}

}  // namespace weir
