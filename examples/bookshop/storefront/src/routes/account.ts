import { Request, Response, Router } from "express";

import { BookshopApi } from "../bookshopApi";
import { config } from "../config";
import { logger } from "../logger";
import { currentSession, requireSession } from "../middleware/requireSession";
import { createSession, deleteSession } from "../repositories/sessions";

export const accountRouter = Router();

accountRouter.post("/sign-in", async (request: Request, response: Response) => {
  const { email, password } = request.body;
  const accessToken = await new BookshopApi().createToken(email, password);
  const id = await createSession(email, accessToken);
  logger.info("signed in");
  response.cookie("session", id, { httpOnly: true, secure: true, sameSite: "lax" }).status(204).end();
});

accountRouter.post("/sign-out", requireSession, async (_request: Request, response: Response) => {
  await deleteSession(currentSession(response).id);
  response.clearCookie("session").status(204).end();
});

accountRouter.get("/orders", requireSession, async (_request: Request, response: Response) => {
  const api = new BookshopApi(config.apiUrl, currentSession(response).access_token);
  response.json(await api.listOrders());
});
