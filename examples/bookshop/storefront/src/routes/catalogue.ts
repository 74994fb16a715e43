import { Request, Response, Router } from "express";

import { BookshopApi } from "../bookshopApi";
import { logger } from "../logger";
import { currentSession, requireSession } from "../middleware/requireSession";
import { addReview, averageStars, listReviews } from "../repositories/reviews";

export const catalogueRouter = Router();

const api = new BookshopApi();

catalogueRouter.get("/books", async (request: Request, response: Response) => {
  response.json(await api.searchBooks(String(request.query.q ?? "")));
});

catalogueRouter.get("/books/:id", async (request: Request, response: Response) => {
  const id = Number(request.params.id);
  const [book, reviews] = await Promise.all([api.getBook(id), listReviews(id)]);
  response.json({ ...book, reviews, averageStars: averageStars(reviews) });
});

catalogueRouter.post("/books/:id/reviews", requireSession, async (request: Request, response: Response) => {
  const { stars, body } = request.body;
  if (!Number.isInteger(stars) || stars < 1 || stars > 5) {
    response.status(400).json({ error: "stars must be a whole number from 1 to 5" });
    return;
  }
  await addReview(Number(request.params.id), currentSession(response).email, stars, String(body));
  logger.info("review added", { book: request.params.id });
  response.status(201).end();
});
