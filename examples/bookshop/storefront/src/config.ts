function required(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

export const config = {
  port: Number(process.env.PORT ?? 3000),
  databaseUrl: required("STOREFRONT_DATABASE_URL"),
  apiUrl: process.env.BOOKSHOP_API_URL ?? "http://localhost:8000/api",
};
