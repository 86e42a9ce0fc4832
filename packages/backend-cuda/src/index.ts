// This package is empty: its backend has not been written yet, and nothing is published until it is.
export {};
