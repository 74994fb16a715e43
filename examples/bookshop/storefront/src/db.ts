import { Pool, QueryResultRow } from "pg";

import { config } from "./config";

export const pool = new Pool({ connectionString: config.databaseUrl, max: 5 });

export async function query<Row extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
  const result = await pool.query<Row>(sql, values);
  return result.rows;
}
