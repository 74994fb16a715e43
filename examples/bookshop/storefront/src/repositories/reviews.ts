import { query } from "../db";

export interface Review {
  stars: number;
  body: string;
  created_at: Date;
}

export async function listReviews(bookId: number): Promise<Review[]> {
  return query<Review>(
    `SELECT stars, body, created_at
     FROM reviews
     WHERE book_id = $1
     ORDER BY created_at DESC
     LIMIT 50`,
    [bookId],
  );
}

export async function addReview(bookId: number, email: string, stars: number, body: string): Promise<void> {
  await query("INSERT INTO reviews (book_id, email, stars, body) VALUES ($1, $2, $3, $4)", [bookId, email, stars, body]);
}

export function averageStars(reviews: Pick<Review, "stars">[]): number | null {
  if (reviews.length === 0) {
    return null;
  }
  const sum = reviews.reduce((total, review) => total + review.stars, 0);
  return Math.round((10 * sum) / reviews.length) / 10;
}
