@NullMarked
package io.lampyris.usrbio.client;

import org.jspecify.annotations.NullMarked;
