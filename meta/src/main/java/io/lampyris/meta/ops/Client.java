package io.lampyris.meta.ops;

/** A client: 128 random bits, one per mount. */
public record Client(long high, long low) {}
