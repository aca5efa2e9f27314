// Row stationary: output rows across clusters, filter rows across the units of a cluster (YR-P)
// for: CONV NGCONV DSCONV TRCONV
//
// A cluster works on one output row, so the unit that holds filter row r reads the input row that goes with it: the
// diagonal, at every stride and dilation. The sizes of Y' and X' are 1 in a convolution and a window in a transposed
// one: see kcp_ws.m.
Dataflow yr_rs {
	TemporalMap(2,2) K;
	TemporalMap(2,2) C;
	TemporalMap(Sz(R),Sz(R)) R;
	SpatialMap(1+(Sz(Y')-1)/Sz(Y)*(Sz(R)-1),1) Y';
	TemporalMap(1+(Sz(X')-1)/Sz(X)*(Sz(S)-1),1) X';
	Cluster(Sz(R), P);
	SpatialMap(1,1) R;
	TemporalMap(Sz(S),Sz(S)) S;
}
