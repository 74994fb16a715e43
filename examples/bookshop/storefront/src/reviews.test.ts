import assert from "node:assert";
import { test } from "node:test";

process.env.STOREFRONT_DATABASE_URL ??= "postgres://localhost/storefront_test";

test("the average has one decimal, and no reviews have none", async () => {
  const { averageStars } = await import("./repositories/reviews");
  assert.strictEqual(averageStars([{ stars: 5 }, { stars: 4 }, { stars: 4 }]), 4.3);
  assert.strictEqual(averageStars([]), null);
});
