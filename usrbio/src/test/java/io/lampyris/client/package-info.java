/** Test access to the client's package. */
@NullMarked
package io.lampyris.client;

import org.jspecify.annotations.NullMarked;
