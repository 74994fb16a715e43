/* What the same rows, the same schema and the same statements cost a plain C program: the floor of `store`.
 *
 * Prepared statements, one row at a time, one transaction. Commands come on stdin, their parts set apart by tabs; each
 * is answered by one line: CPU seconds of the process, wall seconds, and how many rows there were. What is read from
 * files, opened or prepared to be compared stands outside of the clock. */

#define _GNU_SOURCE
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct { int type, bytes; union { int64_t integer; double real; const char *text; } is; } Value;
typedef struct { char *name, *sql; int columns; int64_t count; Value *values; } Rows;

static Rows sets[64];
static int set_count;
static char pragmas[4096];

static void fail(sqlite3 *db, const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, db ? sqlite3_errmsg(db) : "");
    exit(1);
}

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static double cpu_began, wall_began;

static void begin_clock(void) {
    wall_began = seconds(CLOCK_MONOTONIC);
    cpu_began = seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void answer(int64_t rows) {
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_began, wall = seconds(CLOCK_MONOTONIC) - wall_began;
    printf("%.9f\t%.9f\t%lld\n", cpu, wall, (long long)rows);
    fflush(stdout);
}

static void run(sqlite3 *db, const char *sql) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL)) fail(db, sql);
}

static sqlite3 *opened(const char *path) {
    sqlite3 *db;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL)) fail(db, path);
    run(db, pragmas);
    return db;
}

static sqlite3_stmt *prepared(sqlite3 *db, const char *sql) {
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL)) fail(db, sql);
    return statement;
}

static void bind(sqlite3_stmt *statement, const Value *row, int columns) {
    for (int i = 0; i < columns; i++) {
        const Value *value = row + i;
        switch (value->type) {
            case SQLITE_INTEGER: sqlite3_bind_int64(statement, i + 1, value->is.integer); break;
            case SQLITE_FLOAT: sqlite3_bind_double(statement, i + 1, value->is.real); break;
            case SQLITE_TEXT: sqlite3_bind_text(statement, i + 1, value->is.text, value->bytes, SQLITE_STATIC); break;
            case SQLITE_BLOB: sqlite3_bind_blob(statement, i + 1, value->is.text, value->bytes, SQLITE_STATIC); break;
            default: sqlite3_bind_null(statement, i + 1);
        }
    }
}

static Rows *named(const char *name) {
    for (int i = 0; i < set_count; i++)
        if (!strcmp(sets[i].name, name)) return &sets[i];
    fail(NULL, name);
    return NULL;
}

/* A file of rows: columns and count, then per value its type and its 8 bytes, or its length and bytes. */
static void read_rows(const char *name, const char *path, const char *sql) {
    FILE *file = fopen(path, "rb");
    if (!file || set_count == 64) fail(NULL, path);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    char *at = malloc(size);
    if (fread(at, 1, size, file) != (size_t)size) fail(NULL, path);
    fclose(file);
    Rows *rows = &sets[set_count++];
    int64_t head[2];
    memcpy(head, at, sizeof head);
    at += sizeof head;
    rows->name = strdup(name);
    rows->sql = strdup(sql);
    rows->columns = (int)head[0];
    rows->count = head[1];
    rows->values = malloc(sizeof(Value) * (head[0] * head[1] + 1));
    for (int64_t i = 0; i < head[0] * head[1]; i++) {
        Value *value = &rows->values[i];
        int64_t word;
        value->type = *at++;
        memcpy(&word, at, sizeof word);
        memcpy(&value->is, at, sizeof word);
        at += sizeof word;
        if (value->type == SQLITE_TEXT || value->type == SQLITE_BLOB) {
            value->bytes = (int)word;
            value->is.text = at;
            at += word;
        }
    }
    begin_clock();
    answer(rows->count);
}

/* All rows of the sets named, in one transaction. */
static void insert(const char *path, char **names, int count) {
    sqlite3 *db = opened(path);
    int64_t total = 0;
    begin_clock();
    run(db, "BEGIN IMMEDIATE");
    for (int i = 0; i < count; i++) {
        Rows *rows = named(names[i]);
        sqlite3_stmt *statement = prepared(db, rows->sql);
        for (int64_t row = 0; row < rows->count; row++) {
            bind(statement, rows->values + row * rows->columns, rows->columns);
            if (sqlite3_step(statement) != SQLITE_DONE) fail(db, rows->sql);
            sqlite3_reset(statement);
        }
        total += rows->count;
        sqlite3_finalize(statement);
    }
    run(db, "COMMIT");
    answer(total);
    sqlite3_close(db);
}

/* Memory of one answer, given back as a whole. */
static char *arena;
static size_t arena_size, arena_used;

static char *kept(const void *from, int bytes) {
    if (arena_used + bytes + 1 > arena_size) fail(NULL, "the answer is larger than the arena");
    char *to = arena + arena_used;
    memcpy(to, from, bytes);
    to[bytes] = 0;
    arena_used += bytes + 1;
    return to;
}

static Value column(sqlite3_stmt *statement, int i) {
    Value value = {sqlite3_column_type(statement, i), 0, {0}};
    switch (value.type) {
        case SQLITE_INTEGER: value.is.integer = sqlite3_column_int64(statement, i); break;
        case SQLITE_FLOAT: value.is.real = sqlite3_column_double(statement, i); break;
        case SQLITE_TEXT:
        case SQLITE_BLOB: {
            const void *bytes = sqlite3_column_blob(statement, i);
            value.bytes = sqlite3_column_bytes(statement, i);
            value.is.text = kept(bytes ? bytes : "", value.bytes);
        }
    }
    return value;
}

/* The statement of the set, once per row of it, every column of every answer copied out. Once before, for the cache. */
static void query(const char *path, const char *together, const char *name) {
    sqlite3 *db = opened(path);
    Rows *asked = named(name);
    sqlite3_stmt *statement = prepared(db, asked->sql);
    int columns = sqlite3_column_count(statement);
    int64_t room = 1 << 16, total = 0;
    Value *answered = malloc(sizeof(Value) * room * columns);
    for (int warm = 1; warm >= 0; warm--) {
        begin_clock();
        if (*together == '1') run(db, "BEGIN");
        total = 0;
        for (int64_t row = 0; row < asked->count; row++) {
            int64_t found = 0;
            arena_used = 0;
            bind(statement, asked->values + row * asked->columns, asked->columns);
            while (sqlite3_step(statement) == SQLITE_ROW) {
                if (found == room) answered = realloc(answered, sizeof(Value) * (room *= 2) * columns);
                for (int i = 0; i < columns; i++) answered[found * columns + i] = column(statement, i);
                found++;
            }
            sqlite3_reset(statement);
            total += found;
        }
        if (*together == '1') run(db, "COMMIT");
    }
    answer(total);
    free(answered);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

/* Breadth first from each node of the set, one statement per node that is reached. */
static void walk(const char *path, const char *greatest, const char *name) {
    sqlite3 *db = opened(path);
    Rows *starts = named(name);
    sqlite3_stmt *statement = prepared(db, starts->sql);
    int64_t most = atoll(greatest) + 1, total = 0;
    char *reached = malloc(most);
    int64_t *queue = malloc(sizeof(int64_t) * most);
    for (int warm = 1; warm >= 0; warm--) {
        begin_clock();
        total = 0;
        run(db, "BEGIN");
        for (int64_t row = 0; row < starts->count; row++) {
            int64_t first = 0, last = 0;
            memset(reached, 0, most);
            queue[last++] = starts->values[row].is.integer;
            reached[queue[0]] = 1;
            while (first < last) {
                sqlite3_bind_int64(statement, 1, queue[first++]);
                while (sqlite3_step(statement) == SQLITE_ROW) {
                    int64_t next = sqlite3_column_int64(statement, 0);
                    if (reached[next]) continue;
                    reached[next] = 1;
                    queue[last++] = next;
                }
                sqlite3_reset(statement);
            }
            total += last;
        }
        run(db, "COMMIT");
    }
    answer(total);
    free(reached);
    free(queue);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

static void backup(const char *from, const char *to) {
    sqlite3 *source = opened(from), *target;
    begin_clock();
    if (sqlite3_open(to, &target)) fail(target, to);
    sqlite3_backup *copy = sqlite3_backup_init(target, "main", source, "main");
    if (!copy) fail(target, to);
    while (sqlite3_backup_step(copy, -1) == SQLITE_OK) {}
    int pages = sqlite3_backup_pagecount(copy);
    if (sqlite3_backup_finish(copy)) fail(target, to);
    sqlite3_close(target);
    answer(pages);
    sqlite3_close(source);
}

int main(void) {
    static char line[1 << 16];
    arena = malloc(arena_size = 256 << 20);
    while (fgets(line, sizeof line, stdin)) {
        char *part[32], *rest = line;
        int count = 0;
        line[strcspn(line, "\n")] = 0;
        while (rest && count < 32) part[count++] = strsep(&rest, "\t");
        if (!strcmp(part[0], "version")) {
            printf("%s\n", sqlite3_libversion());
            fflush(stdout);
        } else if (!strcmp(part[0], "pragmas") && count == 2) {
            snprintf(pragmas, sizeof pragmas, "%s", part[1]);
            begin_clock();
            answer(0);
        } else if (!strcmp(part[0], "rows") && count == 4) {
            read_rows(part[1], part[2], part[3]);
        } else if (!strcmp(part[0], "insert")) {
            insert(part[1], part + 2, count - 2);
        } else if (!strcmp(part[0], "query") && count == 4) {
            query(part[1], part[2], part[3]);
        } else if (!strcmp(part[0], "walk") && count == 4) {
            walk(part[1], part[2], part[3]);
        } else if (!strcmp(part[0], "backup") && count == 3) {
            backup(part[1], part[2]);
        } else {
            fail(NULL, part[0]);
        }
    }
    return 0;
}
