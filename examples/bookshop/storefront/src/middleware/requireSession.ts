import { NextFunction, Request, Response } from "express";

import { findSession, Session } from "../repositories/sessions";

export function sessionId(request: Request): string | undefined {
  return /(?:^|;\s*)session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
}

export async function requireSession(request: Request, response: Response, next: NextFunction): Promise<void> {
  const id = sessionId(request);
  const session = id ? await findSession(id) : undefined;
  if (!session) {
    response.status(401).json({ error: "Please sign in" });
    return;
  }
  response.locals.session = session;
  next();
}

export function currentSession(response: Response): Session {
  return response.locals.session as Session;
}
