import { config } from "./config";

export interface Book {
  id: number;
  isbn: string;
  title: string;
  author: string;
  price: string;
  stock: number;
}

export interface Order {
  id: number;
  status: string;
  total: string;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export class BookshopApi {
  constructor(
    private readonly baseUrl: string = config.apiUrl,
    private readonly accessToken?: string,
  ) {}

  searchBooks(text: string): Promise<Book[]> {
    return this.request<Book[]>("GET", `/books?q=${encodeURIComponent(text)}`);
  }

  getBook(id: number): Promise<Book> {
    return this.request<Book>("GET", `/books/${id}`);
  }

  listOrders(): Promise<Order[]> {
    return this.request<Order[]>("GET", "/orders");
  }

  async createToken(email: string, password: string): Promise<string> {
    const form = new URLSearchParams({ username: email, password });
    const answer = await this.request<{ access_token: string }>("POST", "/auth/token", form);
    return answer.access_token;
  }

  private async request<T>(method: string, path: string, body?: URLSearchParams): Promise<T> {
    const headers: Record<string, string> = this.accessToken ? { Authorization: `Bearer ${this.accessToken}` } : {};
    const response = await fetch(this.baseUrl + path, { method, headers, body });
    if (!response.ok) {
      throw new ApiError(response.status, `${method} ${path} answered ${response.status}`);
    }
    return (await response.json()) as T;
  }
}
