/** Tests of the daemon's side of USRBIO. */
@NullMarked
package io.lampyris.usrbio;

import org.jspecify.annotations.NullMarked;
