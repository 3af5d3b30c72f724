/** What a customer has paid for, as the payments say it. */
export interface Purchase {
  /** Of the payment: the same when it is told again. */
  readonly purchaseId: string
  readonly customer: string
  readonly items: readonly Item[]
}

export interface Item {
  readonly sku: string
  readonly quantity: number
  readonly cents: number
}

/** A purchase, checked out: what delivery, inventory and invoices go by. */
export interface Checkout extends Purchase {
  readonly totalCents: number
}

export interface Delivery {
  readonly customer: string
  readonly parcels: number
}

export interface Invoice {
  readonly customer: string
  readonly totalCents: number
  /** Runs from 1 in each partition, without gaps. */
  readonly number: string
}

/** Pieces of an article that came, or are sold. */
export interface StockChange {
  readonly pieces: number
}

export interface Stock {
  readonly pieces: number
  readonly sold: number
}
