#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace weir::store {

// kExhausted: no space. kCorrupt: not a database, or a damaged one. kUnavailable: everything else.
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* statement, std::string where);

  // Parameters count from 1.
  Statement& bind(int parameter, int64_t value);
  Statement& bind(int parameter, std::string_view value);
  Statement& bind_null(int parameter);

  // True if there is a row. Errors of bind show here.
  Result<bool> step();
  // Runs to the end and resets, so that it can be bound and run again.
  Status run();
  // Ends the present answer; what was bound stays, and can be bound anew.
  void reset();

  // Columns count from 0; NULL reads as 0 and "".
  int64_t integer(int column) const;
  std::string text(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  void note(int code);

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string where_;
  int failed_ = 0;
};

// One connection; for use by one thread at a time.
class Database {
 public:
  enum class Mode { kRead, kReadWriteCreate };
  static Result<Database> open(const std::string& path, Mode mode);

  Status run(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  int64_t last_row() const;
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  Database(sqlite3* database, std::string path) : database_(database), path_(std::move(path)) {}

  std::unique_ptr<sqlite3, Close> database_;
  std::string path_;
};

}  // namespace weir::store
