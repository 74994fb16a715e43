import express, { Express, NextFunction, Request, Response } from "express";

import { ApiError } from "./bookshopApi";
import { logger } from "./logger";
import { accountRouter } from "./routes/account";
import { catalogueRouter } from "./routes/catalogue";

export function createApp(): Express {
  const app = express();
  app.use(express.json());
  app.use("/shop", catalogueRouter);
  app.use("/account", accountRouter);
  app.get("/health", (_request: Request, response: Response) => {
    response.json({ status: "ok" });
  });
  app.use(handleError);
  return app;
}

function handleError(error: Error, request: Request, response: Response, _next: NextFunction): void {
  if (error instanceof ApiError) {
    response.status(error.status).json({ error: error.message });
    return;
  }
  logger.error("request failed", { path: request.path, error: error.message });
  response.status(500).json({ error: "Something went wrong" });
}
