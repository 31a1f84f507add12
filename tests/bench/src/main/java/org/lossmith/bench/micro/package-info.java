/** JMH benchmarks of small calls. */
package org.lossmith.bench.micro;
