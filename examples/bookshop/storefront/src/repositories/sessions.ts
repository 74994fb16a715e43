import { randomBytes } from "node:crypto";

import { query } from "../db";

export interface Session {
  id: string;
  access_token: string;
  email: string;
}

export async function createSession(email: string, accessToken: string): Promise<string> {
  const id = randomBytes(24).toString("base64url");
  await query("INSERT INTO sessions (id, access_token, email) VALUES ($1, $2, $3)", [id, accessToken, email]);
  return id;
}

export async function findSession(id: string): Promise<Session | undefined> {
  const rows = await query<Session>("SELECT id, access_token, email FROM sessions WHERE id = $1", [id]);
  return rows[0];
}

export async function deleteSession(id: string): Promise<void> {
  await query("DELETE FROM sessions WHERE id = $1", [id]);
}
