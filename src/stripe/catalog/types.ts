import type Stripe from 'stripe';

/** What Stripe has of what we made, in both states; nothing that others made. */
export type Found = { products: FoundProduct[]; prices: FoundPrice[] };

export type FoundProduct = { id: string; name: string; active: boolean; defaultPrice: string | null };

export type FoundPrice = {
  id: string;
  /** The lookup key that it was made for; `lookupKey` is the one that it has now. */
  key: string;
  lookupKey: string | null;
  product: string;
  active: boolean;
  currency: string;
  /** Null where it is not one amount for each unit. */
  amount: number | null;
  /** `once`, `month` and `year` as we make them; anything else says itself how often. */
  every: string;
};

/** One call that brings Stripe nearer to the catalog. */
export type Change = {
  /** The product's id, or the price's lookup key. */
  name: string;
  /** What is not as the catalog says; null where the call only completes another one. */
  drift: string | null;
  call: Call;
};

export type Call =
  | { verb: 'create product'; params: Stripe.ProductCreateParams & { id: string } }
  | { verb: 'change product'; id: string; params: Stripe.ProductUpdateParams }
  /** `beside` names all that were made for this key before: each new one is another call. */
  | { verb: 'create price'; params: Stripe.PriceCreateParams & { lookup_key: string }; beside: string[] }
  | { verb: 'change price'; id: string; params: Stripe.PriceUpdateParams };
