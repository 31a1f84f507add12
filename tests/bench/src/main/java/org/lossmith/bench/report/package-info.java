/** What a run found, as JSON, Markdown, tables and plots. */
package org.lossmith.bench.report;
