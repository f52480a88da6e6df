package io.github.dl4jjepa.core.internal.samediff;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A place in memory that does not keep the memory. A {@code FloatPointer} made of another has a
 * phantom reference, which is more work than a small product is.
 */
final class Address extends FloatPointer {
    Address(long address) {
        super((Pointer) null);
        moveTo(address);
    }

    void moveTo(long newAddress) {
        address = newAddress;
    }
}
